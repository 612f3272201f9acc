-- newtry, protect and try.
local socket = require("socket")

local finalized = 0
local try = socket.newtry(function() finalized = finalized + 1 end)
assert(select("#", try(1, nil, 3)) == 3)

local f = socket.protect(function(...)
    try(...)
    return "went on", ...
end)
assert(select("#", f(1, 2)) == 3 and f(true) == "went on")
local result, reason = f(nil, "why")
assert(result == nil and reason == "why" and finalized == 1)
local _, object = f(false, { 1 })
assert(type(object) == "table" and object[1] == 1)

-- Other errors pass, even tables.
local ok, message = pcall(socket.protect(function() error("other", 0) end))
assert(not ok and message == "other")
local mine = { "mine" }
ok, message = pcall(socket.protect(function() error(mine) end))
assert(not ok and message == mine)

-- Exceptions pass through pcall as they are, and are hidden tables.
ok, message = pcall(socket.try, nil, "reason")
assert(not ok and type(message) == "table" and message[1] == "reason")
assert(getmetatable(message) == false)

-- An inner protect catches what an inner function raises, and finalizers may wait.
local slow = socket.newtry(function() socket.sleep(0.01) end)
local outer = socket.protect(function()
    local inner = socket.protect(function() slow(nil, "inner") end)
    local _, why = inner()
    return why
end)
assert(outer() == "inner")
local failing = socket.newtry(function() error("in the finalizer", 0) end)
ok, message = pcall(failing, nil, "lost")
assert(not ok and message == "in the finalizer")
