-- options: --sandbox --allow-net=127.0.0.1 -timeout 60s
-- What the permissions deny; reasons name the option.
local socket, unix = require("socket"), require("socket.unix")

local function denied(text, result, reason)
    assert(result == nil and reason:find("permission denied: " .. text, 1, true), reason)
end

denied("listening on port", socket.bind("127.0.0.1", 0))
denied("listening on port", socket.tcp():bind("*", 0))
denied("listening on port", socket.udp():setsockname("127.0.0.1", 0))
denied("connecting to", socket.connect("127.0.0.2", 1))
denied("connecting to", socket.udp():setpeername("127.0.0.2", 1))
denied("connecting to", socket.udp():sendto("x", "127.0.0.2", 1))
denied("resolving", socket.dns.toip("example.org"))
denied("", unix.stream():bind("socket"))
denied("", unix.stream():connect("socket"))
denied("", unix.dgram():sendto("x", "socket"))

-- A master that is not bound has no socket.
assert(select(2, socket.tcp4():listen()) ~= nil)

-- What is allowed.
assert(select(2, socket.connect("127.0.0.1", 1)) == "connection refused")
assert(socket.udp():sendto("x", "127.0.0.1", 9) == 1)

-- Files of certificates are read with permission only.
local context = require("ssl.context")
local made = context.create("any")
local ok, reason = context.loadkey(made, "key.pem")
assert(ok == false and reason:find("permission denied", 1, true), reason)

-- setfd takes sockets of the object's kind only: a Unix object must not listen with a TCP socket.
do
    local stream, tcp = require("socket.unix").stream(), socket.tcp4()
    local ok, why = pcall(stream.setfd, stream, tcp:getfd())
    assert(not ok and why:find("of the same kind expected", 1, true), why)
    assert(pcall(stream.setfd, stream, socket.udp4():getfd()) == false)
end

-- Joining a group needs permission to listen; a denial does not give the host's name.
denied("listening on port", socket.udp4():setoption("ip-add-membership",
    { multiaddr = "239.9.8.7", interface = "*" }))
denied("resolving 'localhost'", socket.dns.gethostname())
