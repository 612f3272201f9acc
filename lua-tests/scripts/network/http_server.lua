-- A server and its handlers, accessed by the program's own client and over plain sockets.

create_server("s", 0, false, nil, nil, { host = "127.0.0.1", max_body = 100000 })

handle_http("s", "/", function(req) return "Hello World!" end)
handle_http("s", "/echo", function(req)
    assert(req.headers["x-Some-THING"] == req.headers["X-Some-Thing"])
    return {
        status = 201,
        headers = {
            ["Content-Type"] = "application/x-test", ["X-Method"] = req.method,
            ["Set-Cookie"] = { "a=1", "b=2" },
        },
        body = req.body .. "|" .. req.query .. "|" .. tostring(req.headers["x-some-thing"]),
    }
end)
handle_http("s", "/user/:id/:what", function(req)
    return req.params.id .. "," .. req.params[1] .. "," .. req.params.what .. "," .. req.params[2]
end)
handle_http("s", "/user/me/name", function() return "literal" end)
handle_http("s", "/rest/*", function(req) return req.params["*"] .. "|" .. req.path end)
handle_http("s", "/query", function(req)
    local q = req.query_params
    return table.concat({ q.a, q["b c"], q.d, tostring(q.e) }, "|")
end)
handle_http("s", "/remote", function(req) return req.remote_addr end)
handle_http("s", "/page", function() return "<!DOCTYPE html><p>Hello" end)
handle_http("s", "/nothing", function() return { status = 204 } end)
handle_http("s", "/number", function() return { body = 42 } end)
handle_http("s", "/bytes", function() return "\0\1\2" end)
local counter = 0
handle_http("s", "/count", function()
    counter = counter + 1
    sleep(0.01)
    return tostring(counter)
end)

local port = start_server("s")
local base = "http://127.0.0.1:" .. port
assert(port > 0)

-- A table with numeric keys and names, or an empty one, is an object in JSON.
handle_http("s", "/json/:id/*", function(req)
  return json_encode(req.params) .. json_encode(req.query_params)
end)
assert(http_get(base .. "/json/5/x").body == '{"1":"5","2":"x","*":"x","id":"5"}{}')

local response = assert(http_get(base .. "/"))
assert(response.status == 200 and response.body == "Hello World!")
assert(response.headers["Content-Type"] == "text/plain; charset=utf-8")
assert(response.headers["content-length"] == "12" and response.headers.Date)
assert(http_get(base .. "/page").headers["Content-Type"] == "text/html; charset=utf-8")
assert(http_get(base .. "/bytes").headers["Content-Type"] == "application/octet-stream")

handle_http("s", "/fields", function(req)
  return req.headers.Cookie .. "|" .. req.headers["X-Many"]
end)
local many = { headers = { Cookie = { "a=1", "b=2" }, ["X-Many"] = { "1", "2" } } }
assert(http_get(base .. "/fields", many).body == "a=1; b=2|1, 2")

local response =
  assert(http_request("POST", base .. "/echo?x=1&y", "body", { ["X-Some-Thing"] = "value" }))
assert(response.status == 201 and response.body == "body|x=1&y|value", response.body)
assert(response.headers["X-Method"] == "POST"
  and response.headers["Content-Type"] == "application/x-test")
assert(response.headers["Set-Cookie"][1] == "a=1" and response.headers["set-cookie"][2] == "b=2")
for _, method in ipairs { "PUT", "DELETE", "PATCH", "OPTIONS" } do
    assert(http_request(method, base .. "/echo", nil).headers["X-Method"] == method)
end
local head = assert(http_request("HEAD", base .. "/"))
assert(head.status == 200 and head.body == "" and head.headers["Content-Length"] == "12")

assert(http_get(base .. "/user/a%2Fb/c%20d").body == "a/b,a/b,c d,c d")
assert(http_get(base .. "/user/me/name").body == "literal")
assert(http_get(base .. "/rest/x/y%20z").body == "x/y z|/rest/x/y z")
assert(http_get(base .. "/rest").body == "|/rest")
assert(http_get(base .. "/query?a=1&b+c=x%26y&d&a=2").body == "1|x&y||nil")
assert(http_get(base .. "/remote").body:find("^127%.0%.0%.1:%d+$"))
assert(http_get(base .. "/nothing").status == 204 and http_get(base .. "/number").body == "42")
assert(http_get(base .. "/none").status == 404)

-- Many at the same time, each in its own goroutine.
chan("counts", 20)
for _ = 1, 20 do go(function() send("counts", tonumber(http_get(base .. "/count").body)) end) end
for _ = 1, 20 do assert(receive("counts") > 0) end
assert(counter == 20)

-- Middleware: in order, before the handler; it rejects, responds, adds header fields, changes the
-- request.
local seen = {}
use_middleware("s", "/echo/*", function(req) seen[#seen + 1] = req.path req.body = "changed" end)
use_middleware("s", "/echo", function()
  return { ["X-Added"] = "yes", ["Content-Type"] = "loses" }
end)
use_middleware("s", "/secret/*", function(req) return req.headers.Authorization == "key" end)
use_middleware("s", "/closed/*", function() return { status = 503, body = "closed" } end)
handle_http("s", "/secret", function() return "treasure" end)
local response = http_post(base .. "/echo", "body")
assert(response.body == "changed||nil" and response.headers["X-Added"] == "yes" and #seen == 1)
assert(response.headers["Content-Type"] == "application/x-test")
assert(http_get(base .. "/secret").status == 401 and http_get(base .. "/secret/none").status == 401)
assert(http_get(base .. "/%73ecret").status == 401, "no other spelling gets around it")
assert(http_get(base .. "/secret", { headers = { Authorization = "key" } }).body == "treasure")
local response = http_get(base .. "/closed/now")
assert(response.status == 503 and response.body == "closed")

-- Streamed bodies.
handle_http("s", "/pieces", function()
    local i = 0
    return { body = function()
        i = i + 1
        if i <= 3 then sleep(0.005) return i .. ";" end
        if i == 4 then return "" end
        if i == 5 then return "end" end
    end }
end)
handle_http("s", "/known", function()
    local pieces = { "ab", "cd" }
    return { headers = { ["Content-Length"] = "4" }, body = function()
      return table.remove(pieces, 1)
    end }
end)
local response = http_get(base .. "/pieces")
assert(response.body == "1;2;3;end" and not response.headers["Content-Length"])
local response = http_get(base .. "/known")
assert(response.body == "abcd" and response.headers["Content-Length"] == "4")

-- A handler that fails: 500 without internals, and on_error.
local errors = {}
on_error(function(error) errors[#errors + 1] = tostring(error) end)
local function failure(f, expected)
    handle_http("s", "/fails", f)
    local response = assert(http_get(base .. "/fails"))
    assert(response.status == 500 and response.body == "500 Internal Server Error\n", response.body)
    for _ = 1, 100 do if #errors > 0 then break end sleep(0.005) end
    local error = table.remove(errors)
    assert(error and error:find(expected, 1, true), error)
end
failure(function() error("inside") end, "http_server.lua")
failure(function() return nil end,
  "GET /fails of server 's': invalid response from handler: string or table expected, got nil")
for _, answer in ipairs { {}, { text = "x" }, { "x" } } do
    failure(function() return answer end, "table has no field 'status', 'headers' or 'body'")
end
failure(function() return true end, "string or table expected, got boolean")
failure(function() return { status = 42 } end, "number from 200 to 599 expected, got 42")
failure(function() return { body = {} } end, "string or function expected, got table")
failure(function() return { headers = 1 } end, "table expected, got number")
failure(function() return { headers = { ["a b"] = "x" } } end, "invalid header name 'a b'")
failure(function() return { headers = { a = "x\r\ny: z" } } end, "line break")
failure(function() return { headers = { ["Content-Length"] = "3" }, body = "four" } end,
  "is 3, but the body has 4")
failure(function() return { headers = { a = {} , b = {{}} } } end, "string expected, got table")

-- A handler that ends its goroutine gets 500 without an error.
local closed = chan()
close_channel(closed)
handle_http("s", "/ends", function() receive(closed) receive(closed) return "not reached" end)
assert(http_get(base .. "/ends").status == 500 and #errors == 0)
assert(http_get(base .. "/").status == 200)

-- A body that stops in the middle is not accepted as complete.
handle_http("s", "/broken", function()
    local i = 0
    return { body = function() i = i + 1 if i == 2 then error("broken") end return "piece" end }
end)
local response, reason = http_get(base .. "/broken")
assert(response == nil and reason, "cut off")
sleep(0.01)
assert(#errors == 2 and (errors[1] .. errors[2]):find("broken", 1, true))

-- Invalid usage.
local function refused(text, f, ...)
    local ok, message = pcall(f, ...)
    assert(not ok and message:find(text, 1, true), message)
end
refused("server name already in use", create_server, "s", 0)
refused("no server named 'x'", start_server, "x")
refused("no server named 'x'", handle_http, "x", "/", print)
refused("server is already running", start_server, "s")
refused("pattern must start with '/'", handle_http, "s", "x", print)
refused("'*' must be the last segment", handle_http, "s", "/*/x", print)
refused("duplicate parameter name", handle_http, "s", "/:a/:a", print)
refused("port from 0 to 65535 expected", create_server, "t", -1)
refused("certificate path expected, got nil", create_server, "t", 0, true)
refused("unknown option 'nonsense'", create_server, "t", 0, { nonsense = 1 })
refused("option 'max_header': at least 8192 expected", create_server, "t", 0, { max_header = 1 })
refused("boolean or table expected, got string", create_server, "t", 0, "x")
create_server("t", port, { host = "127.0.0.1" })
refused("port " .. port .. ": ", start_server, "t")

-- It stops, and can be restarted.
assert(stop_server("s") == true and stop_server("s") == false)
assert(http_get(base .. "/") == nil)
local port = start_server("s")
assert(http_get("http://127.0.0.1:" .. port .. "/").body == "Hello World!")
stop_server("s")
-- A port is free at once. Another process may use it in between, but not every time.
local function is_free_at_once(number)
  local name = "successor" .. number
  create_server(name, 0, { host = "127.0.0.1" })
  local port = start_server(name)
  assert(stop_server(name))
  local listener = tcp_listen(port, { host = "127.0.0.1" })
  if not listener then return false end
  listener.close()
  listener = tcp_listen(port, { host = "127.0.0.1" })
  return listener ~= nil and (listener.close() or true)
end
local tries = 1
while not is_free_at_once(tries) do
  tries = tries + 1
  assert(tries <= 10, "the port is free at once")
end
