-- The memory limit holds for all isolates together.
-- options: -memory-limit 64 -timeout 60s
local worker = require "solvm.worker"

local function fill()
    local kept = {}
    while true do
        kept[#kept + 1] = ("x"):rep(100000) .. #kept
    end
end
for _ = 1, 3 * worker.size() do
    local ok, message = pcall(worker.run, fill)
    assert(not ok and message:find("^not enough memory"), message)
end

-- What they have used is free again.
assert(#worker.run(function(s) return s end, ("y"):rep(10e6)) == 10e6)
assert(#("z"):rep(20e6) == 20e6)

-- Messages count: those of calls that wait for an isolate, and results that are not taken.
local function kept(count, f)
    local calls = {}
    local ok, message = pcall(function()
        for i = 1, count do
            calls[i] = worker.spawn(f, ("z"):rep(1e6) .. i)
        end
    end)
    for _, call in ipairs(calls) do
        call:cancel()
    end
    return ok, message
end
local ok, message = kept(1000, function() sleep(1000) end)
assert(not ok and message:find("not enough memory", 1, true), message)
collectgarbage()

-- A list that fits once, but not as a message, too.
local list = {}
for i = 1, 1e6 do
    list[i] = i
end
ok, message = pcall(worker.run, function(t) return #t end, list)
assert(not ok and message:find("not enough memory", 1, true), message)
list = nil
collectgarbage()
assert(worker.run(function() return 1 end) == 1)
