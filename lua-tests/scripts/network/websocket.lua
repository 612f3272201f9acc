-- WebSockets: a server and a client of the same program.

create_server("s", 0, false, nil, nil, { host = "127.0.0.1", max_message = 100000 })
handle_ws("s", "/echo", function(ws, req)
    assert(ws.remote_addr:find("^127%.0%.0%.1:%d+$") and req.path == "/echo")
    while true do
        local message, kind = ws.receive()
        if message then ws.send(message, kind) else break end
    end
end)
-- As in the specification: the loop never checks for the end.
handle_ws("s", "/endless", function(ws)
    ws.send("Connected!")
    while true do
        local msg = ws.receive()
        if msg then ws.send("Echo: " .. msg) end
    end
end)
handle_ws("s", "/brief", function(ws) ws:send("only this") end)
handle_ws("s", "/coded", function(ws) ws:close(4001, "because") end)
handle_ws("s", "/room/:name", function(ws, req)
    ws.send(req.params.name .. "?" .. req.query)
    ws.receive()
end)
handle_http("s", "/room/:name", function() return "a page at the same path" end)
local port = start_server("s")
local base = "ws://127.0.0.1:" .. port

local ws = assert(ws_connect(base .. "/echo"))
assert(tostring(ws):find("^websocket: 0x") and ws.remote_addr == "127.0.0.1:" .. port)
assert(ws.send("text") == true)
local message, kind = ws.receive()
assert(message == "text" and kind == "text")
ws:send("\255\254")
local message, kind = ws:receive()
assert(message == "\255\254" and kind == "binary")
ws.send("as bytes", "binary")
assert(select(2, ws.receive()) == "binary")
assert(ws.send("") and ws.receive() == "")
for i = 1, 200 do
    ws.send("message " .. i)
    if i % 10 == 0 then for j = i - 9, i do assert(ws.receive() == "message " .. j) end end
end
local big = ("0123456789"):rep(10000)
ws.send(big)
assert(ws.receive() == big)
local message, reason = ws.receive(0.02)
assert(message == nil and reason == "timeout")
ws.close()
ws.close()
local message, reason = ws.receive()
assert(message == nil and reason == "closed")
assert(select(2, ws.send("x")) == "closed" and ws.send("x") == false)

local ws = assert(ws_connect(base .. "/endless"))
assert(ws.receive() == "Connected!")
ws.send("a")
assert(ws.receive() == "Echo: a")
ws.close()

local ws = assert(ws_connect(base .. "/brief"))
assert(ws.receive() == "only this")
local message, reason, code, text = ws.receive()
assert(message == nil and reason == "closed" and code == 1000 and text == "")
local ws = assert(ws_connect(base .. "/coded"))
local message, reason, code, text = ws.receive()
assert(message == nil and reason == "closed" and code == 4001 and text == "because")

local ws = assert(ws_connect(base .. "/room/lua?x=1"))
assert(ws.receive() == "lua?x=1")
ws.close()
assert(http_get("http://127.0.0.1:" .. port .. "/room/lua").body == "a page at the same path")
local response = http_get("http://127.0.0.1:" .. port .. "/echo")
assert(response.status == 426 and response.headers.Upgrade == "websocket")

-- A message over the limit of the server and of the client.
local ws = assert(ws_connect(base .. "/echo"))
ws.send(("x"):rep(100001))
local message, reason, code = ws.receive()
assert(message == nil and code == 1009, code)
local ws = assert(ws_connect(base .. "/echo", { max_message = 10 }))
ws.send("12345678901")
local message, reason, code = ws.receive()
assert(message == nil and code == 1009, code)

-- Clients that are rejected, and requests that are not valid handshakes.
use_middleware("s", "/guarded", function(req) return req.headers["X-Key"] == "open" end)
handle_ws("s", "/guarded", function(ws) ws.send("inside") end)
local ws, reason = ws_connect(base .. "/guarded")
assert(ws == nil and reason:find("401", 1, true), reason)
assert(ws_connect(base .. "/guarded", { headers = { ["X-Key"] = "open" } }).receive() == "inside")
local ws, reason = ws_connect(base .. "/none")
assert(ws == nil and reason:find("404", 1, true), reason)
local ws, reason = ws_connect("http://127.0.0.1:1/")
assert(ws == nil and reason:find("ws://", 1, true), reason)
local ws, reason = ws_connect("ws://127.0.0.1:1/")
assert(ws == nil and reason:find("^ws://127.0.0.1:1/: "), reason)

-- Closing it in another goroutine ends the wait; the end is returned once.
local ws = assert(ws_connect(base .. "/echo"))
local rounds = 0
go(function() while true do assert(ws.receive() == nil) rounds = rounds + 1 end end)
sleep(0.02)
ws.close()
wait()
assert(rounds == 1, rounds)

-- A chat with three members, one of whom leaves, another disconnects.
local members, left = {}, 0
handle_ws("s", "/chat", function(ws)
    members[ws] = true
    while true do
        local message = ws.receive()
        if not message then break end
        for member in pairs(members) do member.send(message) end
    end
    members[ws] = nil
    left = left + 1
end)
local chatters = {}
for i = 1, 3 do chatters[i] = assert(ws_connect(base .. "/chat")) end
local function count() local n = 0 for _ in pairs(members) do n = n + 1 end return n end
while count() < 3 do sleep(0.005) end
chatters[1].send("to all")
for i = 1, 3 do assert(chatters[i].receive() == "to all") end
chatters[3].close()
while left < 1 do sleep(0.005) end
chatters[2].send("to two")
for i = 1, 2 do assert(chatters[i].receive() == "to two") end
-- This one disconnects: a plain socket that closes without a close frame.
local vanishing = assert(tcp_connect("127.0.0.1", port))
vanishing.write("GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    .. "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
assert(vanishing.read("*l") == "HTTP/1.1 101 Switching Protocols")
while count() < 3 do sleep(0.005) end
vanishing.close()
while left < 2 do sleep(0.005) end
chatters[1].send("still here")
assert(chatters[2].receive() == "still here" and chatters[1].receive() == "still here")

-- Invalid arguments.
local function refused(text, f, ...)
    local ok, message = pcall(f, ...)
    assert(not ok and message:find(text, 1, true), message)
end
local ws = chatters[1]
refused("text is not valid UTF-8", function() ws.send("\255", "text") end)
refused("bad argument #2 to 'send' ('text' or 'binary' expected, got string)", function()
    ws.send("x", "other")
end)
refused("invalid close code", function() ws.close(1005) end)
refused("longer than 123 bytes", function() ws.close(1000, ("x"):rep(124)) end)

-- When the server stops, its WebSockets are closed.
stop_server("s")
local message, reason, code = chatters[1].receive()
assert(message == nil and code == 1001, code)

-- Without a limit for messages, a frame that announces more than the available memory ends its
-- connection.
create_server("unlimited", 0, { max_message = math.huge })
handle_ws("unlimited", "/", function(ws) while ws.receive() do end end)
local unlimited = start_server("unlimited")
for _, length in ipairs { "\127\255\255\255\255\255\255\255", "\0\0\16\0\0\0\0\0" } do
    local announcing = assert(tcp_connect("127.0.0.1", unlimited))
    announcing.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        .. "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    assert(announcing.read("*l") == "HTTP/1.1 101 Switching Protocols")
    announcing.write("\130\255" .. length .. "mask")
    assert(announcing.read("*a", 5))
    announcing.close()
end
stop_server("unlimited")
