-- A server with well-formed and malformed requests.

create_server("s", 0, false, nil, nil, {
    host = "127.0.0.1", max_body = 1000, header_timeout = 0.3, idle_timeout = 0.6,
    max_header = 8192,
})
handle_http("s", "/", function(req) return req.method .. ":" .. req.body end)
handle_http("s", "/slow", function() sleep(0.8) return "slow" end)
handle_http("s", "/limited", function(req) while true do sleep(10) end end)
local port = start_server("s")

local function open() return assert(tcp_connect("127.0.0.1", port)) end

-- Sends bytes; returns the status of the response and everything until the connection ends.
local function ask(bytes)
    local conn = open()
    conn.write(bytes)
    local answer = conn.read("*a", 5) or ""
    conn.close()
    return tonumber(answer:match("^HTTP/1%.[01] (%d%d%d)")), answer
end
local function request(line, fields, body)
    return line .. "\r\nHost: x\r\nConnection: close\r\n" .. (fields or "") .. "\r\n"
        .. (body or "")
end

-- Kept alive, pipelined, and in parts.
do
    local conn = open()
    for i = 1, 3 do
        conn.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n" .. i .. "x")
        local answer = conn.read(5) .. conn.read("*l")
        assert(answer == "HTTP/1.1 200 OK", answer)
        while conn.read("*l") ~= "" do end
        assert(conn.read(7) == "POST:" .. i .. "x")
    end
    conn.write("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\n"
        .. "Connection: close\r\n\r\n")
    local both = conn.read("*a")
    assert(both:find("200 OK.*GET:.*404 Not Found"), both)
    local conn = open()
    for byte in request("GET / HTTP/1.1"):gmatch(".") do conn.write(byte) sleep(0.001) end
    assert(conn.read("*a"):find("200 OK"))
end

-- Chunked bodies.
local chunked = "Transfer-Encoding: chunked\r\n"
local status, answer =
    ask(request("POST / HTTP/1.1", chunked, "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: z\r\n\r\n"))
assert(status == 200 and answer:find("POST:abcde", 1, true), answer)
local status, answer =
    ask(request("POST / HTTP/1.1", "Expect: 100-continue\r\nContent-Length: 2\r\n", "hi"))
assert(answer:find("^HTTP/1.1 100 Continue\r\n") and answer:find("POST:hi", 1, true), answer)
assert(ask("GET / HTTP/1.0\r\n\r\n") == 200)

-- Malformed requests are rejected, and never reach a handler.
for _, bytes in ipairs {
    "nonsense\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    request("POST / HTTP/1.1", chunked, "nonsense\r\n"),
    "\22\3\1\2\0\1\0\1\252\3\3",
} do
    local status, answer = ask(bytes)
    assert(status == 400 or status == 505 or answer == "", answer)
end
local status = ask(request("GET /" .. ("x"):rep(20000) .. " HTTP/1.1"))
assert(status == 414 or status == 431, status)
assert(ask(request("GET / HTTP/1.1", "X: " .. ("x"):rep(20000) .. "\r\n")) == 431)
assert(ask(request("GET / HTTP/1.1", ("X: y\r\n"):rep(500))) == 431)

-- Bodies over the limit are rejected whether they announce their size or not, and the response
-- arrives.
assert(ask(request("POST / HTTP/1.1", "Content-Length: 1000\r\n", ("x"):rep(1000))) == 200)
assert(ask(request("POST / HTTP/1.1", "Content-Length: 1001\r\n", ("x"):rep(1001))) == 413)
assert(ask(request("POST / HTTP/1.1", "Content-Length: 3000000\r\n", ("x"):rep(3000000))) == 413)
local chunk = ("x"):rep(100)
assert(ask(request("POST / HTTP/1.1", chunked,
    ("64\r\n" .. chunk .. "\r\n"):rep(11) .. "0\r\n\r\n")) == 413)
assert(ask(request("POST / HTTP/1.1", "Content-Length: 99999999999999999999\r\n", "")) ~= 200)

-- Clients that are too slow are disconnected; those that wait for a response are not.
local function lasts(bytes)
    local conn = open()
    conn.write(bytes)
    local done = chan()
    local began = os.time()
    go(function() conn.read("*a") send(done, true) end)
    for tick = 1, 100 do
        if receive(done, 0.05) then return tick * 0.05 end
    end
    error("the connection is still open")
end
local time = lasts("")
assert(time >= 0.2 and time < 1.5, time)
local time = lasts("GET / HTTP/1.1\r\nHost:")
assert(time >= 0.2 and time < 1.5, time)
local time = lasts("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
assert(time >= 0.5 and time < 2, time)
local time = lasts("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
assert(time >= 0.5 and time < 2, time)
local status, answer = ask(request("GET /slow HTTP/1.1"))
assert(status == 200 and answer:find("slow$"), answer)

-- A thousand bad clients do not affect a good one.
local bad = {}
for i = 1, 1000 do
    bad[i] = open()
    bad[i].write("GET / HTTP/1.1\r\nX: ")
end
local response = assert(http_get("http://127.0.0.1:" .. port .. "/", { timeout = 5 }))
assert(response.body == "GET:")
for i = 1, 1000 do bad[i].close() end

-- Clients that disconnect within a request.
for i = 1, 50 do
    local conn = open()
    conn.write(i % 2 == 0 and "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"
        or request("GET /slow HTTP/1.1"))
    conn.close()
end
assert(http_get("http://127.0.0.1:" .. port .. "/").body == "GET:")

-- A handler that takes too long is ended.
create_server("l", 0, false, nil, nil, { host = "127.0.0.1", handler_timeout = 0.2 })
handle_http("l", "/sleeps", function() pcall(sleep, 50) return "late" end)
handle_http("l", "/stream", function()
    local i = 0
    return { body = function() i = i + 1 sleep(0.15) if i < 4 then return "x" end end }
end)
local base = "http://127.0.0.1:" .. start_server("l")
local told
on_error(function(error) told = error end)
assert(http_get(base .. "/sleeps").status == 500)
sleep(0.05)
assert(tostring(told):find("handler timed out", 1, true), told)
assert(http_get(base .. "/stream").body == "xxx", "what has begun has no limit")
stop_server("l")

-- Requests in flight are finished when a server stops.
local slow = chan(1)
go(function() send(slow, select(2, ask(request("GET /slow HTTP/1.1")))) end)
sleep(0.2)
stop_server("s")
assert(receive(slow):find("slow$"))
assert(tcp_connect("127.0.0.1", port) == nil)
