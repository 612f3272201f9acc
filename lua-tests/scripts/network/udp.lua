-- Datagrams and names, over the loopback.

local socket = assert(udp_recvfrom(0, { host = "127.0.0.1" }))
assert(socket.port > 0 and tostring(socket):find("^udp socket: 0x"))
assert(udp_sendto("127.0.0.1", socket.port, "one"))
local message = socket.receive()
assert(message.data == "one" and message.addr == "127.0.0.1" and message.port > 0)

-- Replies, from the socket's own port.
local other = assert(udp_recvfrom(0, { host = "127.0.0.1" }))
assert(other:send("127.0.0.1", socket.port, "question"))
local question = socket:receive()
assert(question.port == other.port)
assert(socket.send(question.addr, question.port, "answer"))
assert(other.receive(5).data == "answer")

-- On all interfaces, an empty one and the largest.
local all = assert(udp_recvfrom(0))
assert(udp_sendto("127.0.0.1", all.port, ""))
local message = all.receive()
assert(message.data == "" and message.addr == "127.0.0.1")
assert(udp_sendto("localhost", all.port, ("x"):rep(65507)))
assert(#all.receive().data == 65507)
local sent, reason = udp_sendto("127.0.0.1", all.port, ("x"):rep(65508))
assert(sent == nil and reason:find("^127.0.0.1:"), reason)
assert(all.send("127.0.0.1", socket.port, "from all") and socket.receive().data == "from all")

local message, reason = socket.receive(0.02)
assert(message == nil and reason == "timeout")

-- Closing it ends the wait; the end is returned once.
local rounds = 0
go(function() while true do assert(socket.receive() == nil) rounds = rounds + 1 end end)
sleep(0.02)
socket.close()
wait()
assert(rounds == 1, rounds)
assert(select(2, socket.send("127.0.0.1", 9, "x")) == "closed")
assert(udp_recvfrom(socket.port, { host = "127.0.0.1" })):close()
other.close()
all.close()

-- Names.
local address, addresses = resolve_dns("localhost")
assert(address == "127.0.0.1" and addresses[1] == address)
assert(resolve_dns("127.0.0.1") == "127.0.0.1" and resolve_dns("::1") == "::1")
local nothing, reason = resolve_dns("no such name")
assert(nothing == nil and reason:find("^no such name: "), reason)

-- No host has such a name.
for _, name in ipairs { "localhost\0x", "\0", "" } do
    for _, look_up in ipairs {
        resolve_dns,
        function(host) return tcp_connect(host, 1) end,
        function(host) return udp_sendto(host, 1, "x") end,
    } do
        local result, message = look_up(name)
        assert(result == nil and message == name .. ": invalid host name", message)
    end
end
assert(not pcall(resolve_dns) and not pcall(udp_sendto, "localhost", 0.5, "x"))
