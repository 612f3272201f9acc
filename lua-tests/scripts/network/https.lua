-- HTTPS: certificates, trust, and WebSockets over TLS.

local folder = arg[0]:match("^(.*[/\\])") or "./"
local certificate, key = folder .. "certificates/cert.pem", folder .. "certificates/key.pem"
local trusted = { ca_file = folder .. "certificates/ca.pem" }

create_server("s", 0, true, certificate, key, { host = "127.0.0.1" })
handle_http("s", "/", function(req) return "secure " .. req.method end)
handle_ws("s", "/ws", function(ws) 
    ws.send("secure socket")
    local message = ws.receive()
    if message then ws.send(message) end
end)
local port = start_server("s")
local url = "https://localhost:" .. port .. "/"

local response = assert(http_get(url, trusted))
assert(response.status == 200 and response.body == "secure GET")
assert(http_get("https://127.0.0.1:" .. port .. "/", trusted).body == "secure GET")
assert(http_get(url, { insecure = true }).body == "secure GET")

-- HTTP/2 transfers the host differently from HTTP/1.1, and may split cookies.
handle_http("s", "/fields", function(req) return req.headers.Host .. "|" .. req.headers.Cookie end)
local cookies = { ca_file = trusted.ca_file, headers = { Cookie = { "a=1", "b=2" } } }
assert(http_get(url .. "fields", cookies).body == "localhost:" .. port .. "|a=1; b=2")
local response, reason = http_get(url)
assert(response == nil and reason:find("certificate", 1, true), reason)
local response, reason = http_get(url, { ca_file = folder .. "certificates/none.pem" })
assert(response == nil and reason:find("none.pem", 1, true), reason)
local response, reason = http_get(url, { ca_file = arg[0] })
assert(response == nil and reason:find("no PEM certificate found", 1, true), reason)
assert(http_get("http://127.0.0.1:" .. port .. "/") == nil, "no plain HTTP here")

local ws = assert(ws_connect("wss://localhost:" .. port .. "/ws", trusted))
assert(ws.receive() == "secure socket" and ws.send("back") and ws.receive() == "back")
ws.close()
assert(ws_connect("wss://localhost:" .. port .. "/ws", { insecure = true })):close()
local ws, reason = ws_connect("wss://localhost:" .. port .. "/ws")
assert(ws == nil and reason:find("certificate", 1, true), reason)

-- A client that only connects does not block others.
local silent = assert(tcp_connect("127.0.0.1", port))
local wrong = assert(tcp_connect("127.0.0.1", port))
wrong.write("GET / HTTP/1.1\r\n\r\n")
assert(http_get(url, trusted).status == 200)
silent.close()
wrong.close()

-- Invalid files.
local function refused(text, ...)
    local ok, message = pcall(create_server, ...)
    assert(not ok and message:find(text, 1, true), message)
end
refused("none.pem: ", "t", 0, true, "none.pem", key)
refused("no PEM certificate found", "t", 0, true, key, key)
refused("no PEM private key found", "t", 0, true, certificate, certificate)
refused("key.pem: ", "t", 0, true, folder .. "certificates/ca.pem", key)
stop_server("s")
