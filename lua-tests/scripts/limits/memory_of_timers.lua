-- options: -timeout 60s -memory-limit 64
-- Memory of timers outside the heap counts against the memory limit as long as they exist.
local function peak()
    local file = io.open("/proc/self/status")
    if not file then return 0 end
    local kilobytes = file:read("*a"):match("VmHWM:%s+(%d+) kB")
    file:close()
    return tonumber(kilobytes) / 1024
end
local start = peak()

local function fill(make, clear)
    local timers = {}
    local ok, message = pcall(function()
        while true do timers[#timers + 1] = make() end
    end)
    assert(not ok and message == "not enough memory", message)
    local count = #timers
    for i = 1, count do assert(clear(timers[i])) end
    timers = nil
    collectgarbage()
    assert(count > 1000)
    assert(peak() < start + 128, peak() - start)
end
for _ = 1, 2 do
    fill(function() return set_timeout(print, 1000) end, clear_timeout)
    fill(function() return set_interval(print, 1000) end, clear_interval)
    fill(function() return cron("0 0 0 1 1 *", print) end, clear_cron)
end
