-- Calls of LuaSocket's interface wait without blocking other goroutines.
local socket = require("socket")

local listening = assert(socket.bind("127.0.0.1", 0))
local _, port = listening:getsockname()

-- Servers and clients in one program, each a goroutine.
go(function()
    while true do
        local client = listening:accept()
        if not client then return end
        go(function()
            for line in function() return client:receive() end do client:send(line .. "!\n") end
            client:close()
        end)
    end
end)

local results = chan("results", 20)
for i = 1, 20 do
    go(function()
        local client = assert(socket.connect("127.0.0.1", port))
        client:send("hello " .. i .. "\n")
        send(results, client:receive())
        client:close()
    end)
end
local seen = {}
for _ = 1, 20 do seen[receive(results)] = true end
for i = 1, 20 do assert(seen["hello " .. i .. "!"]) end

-- A close ends the waits of others.
local client = assert(socket.connect("127.0.0.1", port))
local ended = chan("ended")
go(function()
    local _, reason = client:receive()
    send(ended, reason)
end)
go(function()
    local _, reason = listening:accept()
    send(ended, reason)
end)
socket.sleep(0.05)
client:close()
listening:close()
assert(receive(ended) == "closed" and receive(ended) == "closed")

-- A coroutine waits, too, and functions called by protect.
local udp = socket.udp()
udp:setsockname("127.0.0.1", 0)
local _, udp_port = udp:getsockname()
local wait = coroutine.wrap(function()
    return socket.protect(function()
        coroutine.yield("started")
        return socket.try(udp:receive())
    end)()
end)
assert(wait() == "started")
go(function()
    socket.sleep(0.02)
    socket.udp():sendto("data", "127.0.0.1", udp_port)
end)
assert(wait() == "data")
