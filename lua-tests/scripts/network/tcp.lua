-- Listeners and connections, over the loopback.

local listener = assert(tcp_listen(0, { host = "127.0.0.1" }))
assert(listener.port > 0 and tostring(listener):find("^tcp listener: 0x"))

-- The port is in use.
local second, reason = tcp_listen(listener.port, { host = "127.0.0.1" })
assert(second == nil and reason:find("^port %d+: "), reason)

-- An echo server, as in the specification.
go(function()
    while true do
        local conn = receive(listener)
        if conn then
            go(function()
                while true do
                    local data = conn.read()
                    if data then conn.write("Echo: " .. data) else break end
                end
                conn.close()
            end)
        end
    end
end)

local conn = assert(tcp_connect("localhost", listener.port))
assert(conn.remote_addr == "127.0.0.1:" .. listener.port)
assert(conn.write("hello") == true)
assert(conn:read() == "Echo: hello", "a colon does as well")
assert(conn:write(42) and conn.read() == "Echo: 42")
conn:close()
conn.close()
local data, why = conn.read()
assert(data == nil and why == "closed")
assert(select(2, conn.write("x")) == "closed")

-- Much data, in both directions at the same time: neither end waits for the other.
local big = ("0123456789abcdef"):rep(65536)
local function exchange()
    local server = assert(tcp_listen(0, { host = "127.0.0.1" }))
    go(function()
        local peer = server:accept()
        go(function() assert(peer.write(big)) end)
        assert(peer.read(#big) == big)
        server:close()
    end)
    local client = assert(tcp_connect("127.0.0.1", server.port))
    go(function() assert(client.write(big)) end)
    assert(client.read(#big) == big)
    client.close()
end
exchange()

-- A pair of connections.
local function pair()
    local server = assert(tcp_listen(0, { host = "127.0.0.1" }))
    local client = assert(tcp_connect("127.0.0.1", server.port))
    local peer = server.accept()
    server.close()
    return client, peer
end

-- Read modes.
do
    local a, b = pair()
    a.write("one\r\ntwo\n\nthree and more")
    assert(b.read("*l") == "one" and b.read("*l") == "two" and b.read("*l") == "")
    assert(b.read(5) == "three")
    a.close()
    assert(b.read("*a") == " and more")
    assert(select(2, b.read()) == "closed")
    local a, b = pair()
    a.write("no end of line")
    a.close()
    assert(b.read("*l") == "no end of line", "the rest is a line")
    local a, b = pair()
    a.close()
    assert(b.read("*a") == "", "everything was nothing")
    assert(b.read("*l") == nil)
    local a, b = pair()
    a.write("abc")
    a.close()
    assert(b.read(10) == "abc", "fewer at the end")
end

-- Time limits.
do
    local a, b = pair()
    local data, why = b.read("*l", 0.02)
    assert(data == nil and why == "timeout")
    a.write("late\n")
    assert(b.read("*l", 5) == "late", "what was there when the time was up is not lost")
end

-- Closing it in another goroutine ends every wait.
do
    local a, b = pair()
    chan("ended", 3)
    go(function() send("ended", select(2, a.read())) end)
    go(function() send("ended", select(2, a.read("*a"))) end)
    go(function() send("ended", select(2, a.write(("x"):rep(1e8)))) end)
    sleep(0.05)
    a.close()
    for _ = 1, 3 do assert(receive("ended") == "closed") end
    while b.read() do end
    local server = assert(tcp_listen(0, { host = "127.0.0.1" }))
    go(function() send("ended", select(2, server.accept())) end)
    go(function() send("ended", select(2, receive(server))) end)
    sleep(0.05)
    server.close()
    for _ = 1, 2 do assert(receive("ended") == "closed") end
    assert(tcp_listen(server.port, { host = "127.0.0.1" })):close()
end

-- A listener in `select` with channels.
do
    local server = assert(tcp_listen(0, { host = "127.0.0.1" }))
    chan("other")
    go(function() send("other", "value") end)
    local value, name = select(server, "other")
    assert(value == "value" and name == "other")
    local client = assert(tcp_connect("127.0.0.1", server.port))
    local peer, which = select("other", server)
    assert(which == server and peer.write("x") and client.read() == "x")
    server.close()
    assert(select(2, receive(server, 0.01)) == "closed")
end

-- The end is returned once, then the goroutine is ended.
do
    local a, b = pair()
    a.close()
    local rounds = 0
    go(function()
        while true do if b.read() then error("data from nowhere") end rounds = rounds + 1 end
    end)
    sleep(0.05)
    assert(rounds == 1, rounds)
end

-- One direction may end before the other; writes in progress are completed.
do
    local a, b = pair()
    local large = ("x"):rep(10000000)
    go(function() assert(a.write(large) == true) end)
    sleep(0.01)
    go(function() a.close_write() end)
    assert(#b.read("*a") == #large)
    assert(b.write("answer") == true)
    b.close_write()
    assert(a.read("*a") == "answer")
    assert(a:close_write() == nil, "again")
    local written, reason = a.write("more")
    assert(written == false and reason == "closed")
    a.close()
    assert(a.close_write() == nil)
    b.close()
end

-- More connections than a listener buffers, before they are received.
do
    local server = assert(tcp_listen(0, { host = "127.0.0.1" }))
    local clients = {}
    for i = 1, 60 do
        clients[i] = assert(tcp_connect("127.0.0.1", server.port))
        clients[i].write(i .. "\n")
    end
    local seen = 0
    for _ = 1, 60 do seen = seen + server.accept().read("*l") end
    assert(seen == 60 * 61 / 2)
    server.close()
end

-- Invalid arguments raise; a failed network operation returns nil and the reason.
assert(not pcall(tcp_listen) and not pcall(tcp_listen, "x") and not pcall(tcp_connect, "localhost"))
local ok, message = pcall(tcp_listen, 70000)
assert(not ok and message:find("port from 0 to 65535 expected, got 70000", 1, true), message)
local ok, message = pcall(tcp_listen, 0, { hsot = "127.0.0.1" })
assert(not ok and message:find("unknown option 'hsot'", 1, true), message)
local a = pair()
local ok, message = pcall(function() a.read({}) end)
assert(not ok and message:find("bad argument #1 to 'read'", 1, true), message)
local ok, message = pcall(function() a:read({}) end)
assert(not ok and message:find("bad argument #1 to 'read'", 1, true), message)
local conn, reason = tcp_connect("127.0.0.1", 1)
assert(conn == nil and reason:find("127.0.0.1:1: ", 1, true), reason)
listener.close()

-- The number of bytes to read is an integer.
do
    local listener = assert(tcp_listen(0, { host = "127.0.0.1" }))
    local conn = assert(tcp_connect("127.0.0.1", listener.port))
    for _, amount in ipairs { 0.5, 1.5, 0 / 0, 1 / 0, 0, -1, "x" } do
        local ok, message = pcall(conn.read, amount)
        assert(not ok and message:find("positive integer, '*l' or '*a' expected, got", 1, true),
            message)
    end
    conn.close()
    listener.close()
end
