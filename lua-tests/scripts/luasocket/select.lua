-- select: sockets, and other objects with getfd.
local socket = require("socket")

local listening = assert(socket.bind("127.0.0.1", 0))
local _, port = listening:getsockname()

local readable, writable, reason = socket.select({ listening }, nil, 0)
assert(#readable == 0 and #writable == 0 and reason == "timeout")
assert(select(3, socket.select(nil, nil, 0)) == "timeout")

local client = assert(socket.connect("127.0.0.1", port))
readable, writable, reason = socket.select({ listening }, { client }, 5)
assert(reason == nil and writable[client] == 1)
readable = socket.select({ listening }, nil, 5)
assert(readable[1] == listening and readable[listening] == 1)
local accepted = listening:accept()

-- Data in a buffer makes an object ready.
client:send("one\ntwo\n")
assert(accepted:receive() == "one" and accepted:dirty())
readable = socket.select({ listening, accepted }, nil, 5)
assert(#readable == 1 and readable[accepted] == 1)
assert(accepted:receive() == "two")

-- Objects with methods, which may wait.
local object = {
    getfd = function()
        socket.sleep(0.01)
        return accepted:getfd()
    end,
}
local other = setmetatable({}, { __index = function(_, name)
    if name == "getfd" then return object.getfd end
end })
assert(#socket.select({ object, other }, nil, 0) == 0)
client:send("x")
readable = socket.select({ object }, nil, 5)
assert(readable[object] == 1)
local dirty = { dirty = function() return true end }
readable = socket.select({ setmetatable(dirty, getmetatable(other)) })
assert(#readable == 1)
assert(not pcall(socket.select, { { getfd = function() error("no") end } }, nil, 0))
if go then
    -- LuaSocket adopts any descriptor.
    assert(not pcall(socket.select, { { getfd = function() return 0 end } }, nil, 0))
end
assert(not pcall(socket.select, 1, nil, 0))

-- Objects without a socket are left out.
assert(select(3, socket.select({ socket.tcp(), {} }, nil, 0)) == "timeout")

-- It waits, and others run.
local done = chan("done", 1)
go(function()
    local ready = socket.select({ client }, nil, 5)
    send(done, ready[client])
end)
socket.sleep(0.02)
accepted:send("y")
assert(receive(done) == 1)

-- The end of a connection makes it readable.
accepted:close()
assert(client:receive(1) == "y")
assert(socket.select({ client }, nil, 5)[client] == 1 and select(2, client:receive()) == "closed")
