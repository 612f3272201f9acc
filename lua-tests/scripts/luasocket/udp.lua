-- UDP objects.
local socket = require("socket")

local receiver = socket.udp()
assert(tostring(receiver):find("^udp{unconnected}: ") and receiver:getfd() == -1)
assert(receiver:setsockname("127.0.0.1", 0) == 1)
local address, port, family = receiver:getsockname()
assert(address == "127.0.0.1" and family == "inet" and receiver:getfamily() == "inet4")

local sender = socket.udp4()
assert(sender:sendto("one", "127.0.0.1", port) == 3)
local data, from, from_port = receiver:receivefrom()
assert(data == "one" and from == "127.0.0.1" and type(from_port) == "number")
assert(sender:sendto("two and more", from, port) and receiver:receive(3) == "two")
assert(sender:sendto("", from, port) == 0 and receiver:receive() == "")
assert(select(2, sender:sendto("x", "localhost", port)) == "Name or service not known")

receiver:settimeout(0)
assert(select(2, receiver:receive()) == "timeout" and receiver:dirty() == false)

-- Connected objects.
assert(sender:setpeername("127.0.0.1", port) == 1 and sender.class == "udp{connected}")
assert(sender:getpeername() == "127.0.0.1" and sender:send("three") == 5)
receiver:settimeout(5)
assert(receiver:receive() == "three")
local ok, message = pcall(function() sender:sendto("x", "127.0.0.1", port) end)
assert(not ok and message:find("udp{unconnected} expected", 1, true))
assert(sender:setpeername("*") == 1 and sender.class == "udp{unconnected}")
assert(sender:sendto("four", "127.0.0.1", port) and receiver:receive() == "four")

assert(sender:setoption("broadcast", true) == 1 and sender:getoption("broadcast") == true)
assert(sender:close() == 1 and sender:getfd() == -1)
assert(select(2, receiver:setpeername("127.0.0.1", "nonsense")) ~= nil)
