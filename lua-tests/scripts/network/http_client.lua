-- The client: redirects, limits, files, failures.

create_server("s", 0, { host = "127.0.0.1" })
handle_http("s", "/to/:n", function(req)
    local n = tonumber(req.params.n)
    if n == 0 then return "arrived by " .. req.method end
    return { status = 302, headers = { Location = "/to/" .. n - 1 } }
end)
handle_http("s", "/slow", function() sleep(1) return "slow" end)
handle_http("s", "/type", function(req)
    return tostring(req.headers["Content-Type"]) .. "|" .. req.body
end)
handle_http("s", "/agent", function(req)
    return req.headers["User-Agent"] .. "|" .. tostring(req.headers["Accept-Encoding"])
end)
handle_http("s", "/bad", function() return { status = 500, body = "bad" } end)
handle_http("s", "/pieces", function()
    local i = 0
    return { body = function() i = i + 1 if i <= 100 then return ("x"):rep(10000) end end }
end)
handle_http("s", "/cut", function()
    local i = 0
    return { body = function()
        i = i + 1
        if i == 50 then error("cut") end
        return ("x"):rep(10000)
    end }
end)
local base = "http://127.0.0.1:" .. start_server("s")
local errors = {}
on_error(function(error) errors[#errors + 1] = error end)
local function told() sleep(0.02) return table.remove(errors) end

local response = assert(http_get(base .. "/to/5"))
assert(response.body == "arrived by GET" and response.url == base .. "/to/0")
assert(http_post(base .. "/to/1", "x").body == "arrived by GET", "as browsers do")
local response = assert(http_get(base .. "/to/1", { redirects = 0 }))
assert(response.status == 302 and response.headers.Location == "/to/0"
    and response.url == base .. "/to/1")
assert(http_get(base .. "/to/2", { redirects = 2 }).status == 200)
local response, reason = http_get(base .. "/to/3", { redirects = 2 })
assert(response == nil and reason:find("redirect", 1, true) and told() == reason, reason)

assert(http_post(base .. "/type", "{}").body == "application/json|{}")
assert(http_put(base .. "/type", "x", "text/x").body == "text/x|x")
assert(http_post(base .. "/type", "x", { headers = { ["content-type"] = "a/b" } }).body == "a/b|x")
assert(http_request("post", base .. "/type", "x", { ["Content-Type"] = "c/d" }).body == "c/d|x")
assert(http_delete(base .. "/type").body == "nil|" and http_get(base .. "/type").body == "nil|")
assert(http_get(base .. "/agent").body:find("^SolVM/.*|gzip$"))
assert(http_get(base .. "/bad").status == 500 and told() == nil, "an answer is no failure")
assert(#http_get(base .. "/pieces").body == 1000000)

local response, reason = http_get(base .. "/slow", { timeout = 0.05 })
assert(response == nil and reason == base .. "/slow: timed out after 50ms" and told() == reason,
    reason)
local response, reason = http_get(base .. "/cut")
assert(response == nil and reason)
sleep(0.05)
errors = {}

-- To a file.
local path = os.tmpname()
local response = assert(http_get(base .. "/pieces", { save_to = path }))
assert(response.status == 200 and response.size == 1000000 and response.body == nil)
local function content()
    local file = assert(io.open(path, "rb"))
    local text = file:read("*a")
    file:close()
    return text
end
assert(content() == ("x"):rep(1000000))
assert(http_get(base .. "/to/0", { save_to = path }).size == 14 and content() == "arrived by GET")
assert(http_get(base .. "/cut", { save_to = path }) == nil and content() == "arrived by GET",
    "what there was is kept")
assert(io.open(path .. ".part") == nil)
local response, reason = http_get(base .. "/to/0", { save_to = "/nonexistent/file" })
assert(response == nil and reason:find("No such file", 1, true), reason)
os.remove(path)
sleep(0.05)
errors = {}

-- Failures of every kind.
for _, url in ipairs {
    "http://127.0.0.1:1/", "nonsense", "ftp://localhost/", "http://", "http://nosuch.invalid/",
} do
    local response, reason = http_get(url)
    assert(response == nil and reason:find(url, 1, true) == 1, reason)
    assert(told() == reason)
end

local function refused(text, f, ...)
    local ok, message = pcall(f, ...)
    assert(not ok and message:find(text, 1, true), message)
end
refused("string expected, got no value", http_get)
refused("unknown option 'tiemout'", http_get, base, { tiemout = 1 })
refused("option 'timeout': number expected, got string", http_get, base, { timeout = "soon" })
refused("option 'timeout': must not be negative", http_get, base, { timeout = -1 })
refused("invalid header name", http_get, base, { headers = { ["a b"] = "c" } })
refused("invalid method", http_request, "a b", base)
refused("string or table expected, got number", http_post, base, "x", 1)
refused("line break", http_post, base, "x", "a\nb")
stop_server("s")
