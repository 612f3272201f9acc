-- TCP objects: what lua5.1 with LuaSocket 3.1 gives, too.
local socket = require("socket")

local function server()
    local listening = assert(socket.bind("127.0.0.1", 0))
    local address, port, family = listening:getsockname()
    assert(address == "127.0.0.1" and type(port) == "string" and family == "inet")
    return listening, port
end

local function pair()
    local listening, port = server()
    local client = assert(socket.connect("127.0.0.1", port))
    local accepted = assert(listening:accept())
    listening:close()
    return client, accepted
end

-- Classes change with the use.
do
    local object = socket.tcp()
    assert(tostring(object):find("^tcp{master}: ") and object.class == "tcp{master}")
    assert(object:getfd() == -1 and object:getfamily() == "inet4")
    assert(object:bind("127.0.0.1", 0) == 1 and object:getfd() >= 0)
    assert(object:listen() == 1 and object.class == "tcp{server}")
    local ok, message = pcall(function() object:receive() end)
    assert(not ok and message:find("calling 'receive' on bad self (tcp{client} expected)", 1, true))
    local client = socket.tcp()
    assert(client:connect("127.0.0.1", select(2, object:getsockname())) == 1)
    assert(client.class == "tcp{client}" and getmetatable(client).__index.send == client.send)
    assert(select(3, client:getpeername()) == "inet")
    assert(object:close() == 1 and object:getfd() == -1)
    assert(select(2, object:accept()) == "closed")
end

-- Lines, numbers of bytes, everything; prefixes and partial results.
do
    local client, accepted = pair()
    assert(client:send("one\r\ntwo\nthree") == 14)
    assert(accepted:receive() == "one" and accepted:dirty() == true)
    assert(accepted:receive("*l", "> ") == "> two")
    assert(accepted:receive(2) == "th")
    assert(accepted:receive(4, "th") == "thre" or true)
    accepted:settimeout(0)
    local line, reason, partial = accepted:receive("*l", "x")
    assert(line == nil and reason == "timeout" and partial == "xe", partial)
    assert(accepted:dirty() == false)
    assert(client:send("abcdef", 3, -2) == 5)
    accepted:settimeout(1)
    assert(accepted:receive("3") == "cde")
    assert(client:send("x", 2) == 1 and client:send("abc", -2, -2) == 2)
    assert(accepted:receive(1) == "b")
    assert(client:shutdown("send") == 1)
    local data, why, rest = accepted:receive(5)
    assert(data == nil and why == "closed" and rest == "")
    accepted:send("all of it")
    accepted:close()
    assert(client:receive("*a") == "all of it")
    assert(select(2, client:receive("*a")) == "closed")
    assert(not pcall(client.receive, client, "nothing") and not pcall(client.receive, client, -1))
end

-- Nothing is received only from a connection that has data.
do
    local client, accepted = pair()
    client:settimeout(0)
    assert(select(2, client:receive(0)) == "timeout")
    accepted:send("x")
    client:settimeout(5)
    assert(client:receive(0) == "" and client:receive(1) == "x")
    accepted:close()
    assert(select(2, client:receive(0)) == "closed")
end

-- Time limits: of an operation, and of everything.
do
    local client, accepted = pair()
    assert(select("#", client:gettimeout()) == 2 and client:gettimeout() == -1)
    for _, mode in ipairs({ "b", "t" }) do
        client:settimeout(-1)
        client:settimeout(-1, "t")
        assert(client:settimeout(0.1, mode) == 1)
        local start = socket.gettime()
        assert(select(2, client:receive()) == "timeout")
        local elapsed = socket.gettime() - start
        assert(elapsed >= 0.09 and elapsed < 5, elapsed)
    end
    local ok, message = pcall(client.settimeout, client, 1, "x")
    assert(not ok and message:find("invalid timeout mode", 1, true))
    -- A peer that does not read.
    client:settimeout(0)
    local data = ("x"):rep(1e6)
    local sent = 0
    repeat
        local last, reason, partial = client:send(data)
        sent = sent + (last or partial)
    until reason == "timeout"
    local received, sent_too, age = client:getstats()
    assert(received == 0 and sent_too == sent and age >= 0)
    assert(client:setstats(1, 2, 3) == 1 and select(2, client:getstats()) == 2)
    client:close()
    assert(#accepted:receive("*a") == sent)
end

-- Much data, with limits of zero on both ends.
do
    local client, accepted = pair()
    local text = ("0123456789abcdef"):rep(20000)
    client:settimeout(0)
    accepted:settimeout(0)
    local at, got, reason = 0, "", nil
    repeat
        if at < #text then
            local last, _, partial = client:send(text, at + 1)
            at = last or partial
            if at == #text then client:close() end
        end
        local data, why, partial = accepted:receive(4e5)
        got, reason = got .. (data or partial), why
    until reason == "closed"
    assert(got == text)
end

-- Failures.
do
    local refused = server()
    local _, port = refused:getsockname()
    refused:close()
    local client, reason = socket.connect("127.0.0.1", port)
    assert(client == nil and reason == "connection refused", reason)
    local first = server()
    local _, used = first:getsockname()
    local second, why = socket.tcp():bind("127.0.0.1", used)
    assert(second == nil and why == "address already in use", why)
    assert(select(2, socket.tcp():getpeername()) == "Bad file descriptor")
    assert(not pcall(socket.connect, "127.0.0.1"))
    assert(not pcall(socket.connect, "127.0.0.1", 1, nil, nil, "inet7"))
end

-- Options.
do
    local client = pair()
    assert(client:setoption("tcp-nodelay", true) == 1 and client:getoption("tcp-nodelay") == true)
    assert(client:setoption("keepalive", true) == 1 and client:getoption("keepalive") == true)
    assert(client:setoption("linger", { on = true, timeout = 3 }) == 1)
    assert(client:getoption("linger").timeout == 3 and client:getoption("error") == nil)
    local ok, message = pcall(client.setoption, client, "no-such-option", true)
    assert(not ok and message:find("unsupported option `no-such-option'", 1, true))
    assert(not pcall(client.setoption, client, "tcp-nodelay", 1))
    assert(not pcall(client.setoption, client, "linger", { on = 1, timeout = 1 }))
end

-- A socket moves from one object to another.
do
    local client, accepted = pair()
    local other = socket.tcp()
    other:setfd(client:getfd())
    client:setfd(-1)
    assert(client:getfd() == -1 and other:getfd() >= 0)
    assert(select(2, client:send("x")) == "closed")
    assert(other:getpeername() == "127.0.0.1")
    other:close()
    assert(select(2, accepted:receive()) == "closed")
end

-- IPv6 is a family of its own.
do
    local six = socket.tcp6()
    if six and six:bind("::1", 0) then
        assert(six:getfamily() == "inet6" and select(3, six:getsockname()) == "inet6")
    end
end

assert(select("#", socket.skip(1, "a", "b", "c")) == 2 and socket.skip(2, "a", "b", "c") == "c")
assert(socket._VERSION:find("^LuaSocket") and socket.BLOCKSIZE == 2048)
local start = socket.gettime()
socket.sleep(0.05)
assert(socket.gettime() - start >= 0.045 and math.abs(start - os.time()) < 3)
