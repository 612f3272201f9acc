-- Sizes that would make SolVM's dependencies panic are errors.

local function fails(reason, f, ...)
    local ok, message = pcall(f, ...)
    assert(not ok and message:find(reason, 1, true), tostring(message))
    -- The message is short, however long the argument is.
    assert(#message < 1000, #message)
end

-- Header fields: the underlying map has room for 24,576.
for _, count in ipairs { 1001, 24573, 24574, 24576, 40000 } do
    local fields, list = {}, {}
    for i = 1, count do
        fields["x-" .. i] = "v"
        list[i] = "v"
    end
    for _, headers in ipairs { fields, { many = list } } do
        fails("more than 1000 header fields", http_get, "http://127.0.0.1:1/",
            { headers = headers })
        fails("more than 1000 header fields", ws_connect, "ws://127.0.0.1:1/",
            { headers = headers })
        fails("more than 1000 header fields", ft.download, "http://127.0.0.1:1/", "x",
            { headers = headers })
        fails("more than 1000 header fields", http_request, "GET", "http://127.0.0.1:1/", nil,
            headers)
    end
end

-- Their names and values have 64 KiB together.
local long = ("x"):rep(2 ^ 15)
for _, headers in ipairs {
    { a = long, b = long }, { a = { long, long } }, { [long .. "x"] = long }, { a = long .. long },
} do
    local reason = "header fields of more than 64 KiB"
    fails(reason, http_get, "http://127.0.0.1:1/", { headers = headers })
    fails(reason, http_request, "GET", "http://127.0.0.1:1/", nil, headers)
    fails(reason, ft.upload, "x", "http://127.0.0.1:1/", { headers = headers })
    fails(reason, ws_connect, "ws://127.0.0.1:1/", { headers = headers })
end

-- A handler's response is rejected, and the server continues.
on_error(function() end)
create_server("fields", 0)
handle_http("fields", "/", function(request)
    local headers = {}
    for i = 1, tonumber(request.query_params.count) do
        headers["x-" .. i] = "v"
    end
    return { headers = headers, body = "answered" }
end)
local port = start_server("fields")
if type(port) == "number" then
    local url = "http://127.0.0.1:" .. port .. "/?count="
    assert(http_get(url .. 24574).status == 500)
    assert(http_get(url .. 10).body == "answered")
end
stop_server("fields")

-- Patterns.
for _, pattern in ipairs {
    ("*"):rep(6e4), ("[a-z]*"):rep(1e4), ("{a,b}"):rep(1e4), ("?"):rep(4097), ("x"):rep(65536),
} do
    fails("longer than 4096 bytes", glob, pattern)
    fails("longer than 4096 bytes", template.parse_glob, pattern)
end
assert(type(glob("{a,b}*[a-z]?" .. ("*?"):rep(2000))) == "table")

-- A Content-Length that is not the length of the body.
fails("must be the length of the body, 0", http_get, "http://127.0.0.1:1/",
    { headers = { ["Content-Length"] = "5" } })
fails("must be the length of the body, 3", http_post, "http://127.0.0.1:1/", "abc",
    { headers = { ["content-length"] = "x" } })
fails("cannot be set", ft.upload, "http://127.0.0.1:1/", "x",
    { headers = { ["Content-Length"] = 5 } })
assert(select(2, http_post("http://127.0.0.1:1/", "abc", {
    headers = { ["Content-Length"] = 3 }, timeout = 1,
})))

-- Long invalid arguments are shortened in the messages of all functions.
local long = ("x"):rep(5e6)
local names = {}
local libraries = { lfs = require "lfs" }
for name, value in pairs(_G) do libraries[name] = value end
for name, value in pairs(libraries) do
    local functions = type(value) == "table" and name ~= "_G" and name ~= "package" and value
        or { value }
    for key, f in pairs(functions) do
        if type(f) == "function" then
            names[#names + 1] = { name .. "." .. tostring(key), f }
        end
    end
end
-- These accept any string, or wait.
local harmless = {
    ["error.1"] = true, ["print.1"] = true, ["io.write"] = true, ["os.exit"] = true,
    ["os.execute"] = true, ["io.popen"] = true, ["io.read"] = true, ["coroutine.yield"] = true,
    ["debug.debug"] = true, ["assert.1"] = true, ["wait.1"] = true, ["io.output"] = true,
    ["io.input"] = true, ["io.close"] = true, ["setfenv.1"] = true, ["reload_script.1"] = true,
    ["on_error.1"] = true, ["loadstring.1"] = true, ["load.1"] = true, ["module.1"] = true,
    ["require.1"] = true, ["import.1"] = true, ["debug.sethook"] = true, ["trace.1"] = true,
    ["select.1"] = true, ["channel.select"] = true,
}
for _, entry in ipairs(names) do
    local name, f = entry[1], entry[2]
    if not harmless[name] then
        local ok, first, second = pcall(f, long)
        local message = not ok and first or first == nil and second
        if type(message) == "string" and message ~= long then
            assert(#message < 2000, name .. ": " .. #message)
        end
    end
end
