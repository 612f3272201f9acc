-- The handler of an xpcall sees the native function that failed.
local function handler() return debug.traceback("failed", 2) end
local function check(f, wanted)
    local _, text = xpcall(f, handler)
    assert(text:find("failed\nstack traceback:\n\t" .. wanted, 1, true) == 1, text)
end
local source = debug.getinfo(1, "S").short_src
check(function() error("x") end, "[C]: in function 'error'\n\t" .. source .. ":8: in function <")
check(function() string.rep() end, "[C]: in function 'rep'\n\t" .. source .. ":9: in function <")
check(function() local x = {} + 1 end, source .. ":10: in function <")
check(error, "[C]: ?\n\t[C]: in function 'xpcall'")
