-- Files of a directory, unchanged, and nothing else.

local folder = os.tmpname()
os.remove(folder)
assert(os.execute("mkdir -p " .. folder .. "/site/sub " .. folder .. "/site/.hidden") == 0)
local function write(path, text)
    local file = assert(io.open(folder .. "/" .. path, "wb"))
    file:write(text)
    file:close()
end
local big = ("0123456789abcdef"):rep(40000)
write("secret.txt", "secret")
write("site/index.html", "<p>index")
write("site/a b.txt", "spaced")
write("site/style.css", "body {}")
write("site/big.bin", big)
write("site/empty.txt", "")
write("site/sub/index.html", "<p>sub")
write("site/.hidden/x.txt", "hidden")
os.execute("ln -s ../secret.txt " .. folder .. "/site/link.txt; ln -s a\\ b.txt " .. folder
    .. "/site/inner.txt")

create_server("s", 0, { host = "127.0.0.1" })
serve_static("s", "/files", folder .. "/site")
handle_http("s", "/files/own", function() return "handler" end)
use_middleware("s", "/files/sub/*", function() return { ["X-From"] = "middleware" } end)
local port = start_server("s")
local base = "http://127.0.0.1:" .. port
local function get(path, headers, method)
    return assert(http_request(method or "GET", base .. path, nil, headers, { redirects = 0 }))
end

local response = get("/files/style.css")
assert(response.status == 200 and response.body == "body {}")
assert(response.headers["Content-Type"] == "text/css; charset=utf-8"
    and response.headers["Content-Length"] == "7")
local tag, date = response.headers.ETag, response.headers["Last-Modified"]
assert(tag and date and response.headers["Accept-Ranges"] == "bytes")
assert(get("/files/a%20b.txt").body == "spaced" and get("/files/inner.txt").body == "spaced")
assert(get("/files/").body == "<p>index" and get("/files").body == "<p>index")
assert(get("/files/sub/").body == "<p>sub" and get("/files/sub/").headers["X-From"] == "middleware")
local moved = get("/files/sub")
assert(moved.status == 301 and moved.headers.Location == "/files/sub/")
assert(get("/files/own").body == "handler" and get("/files/empty.txt").body == "")
assert(get("/files/big.bin").body == big
    and get("/files/big.bin").headers["Content-Length"] == tostring(#big))
local head = get("/files/big.bin", nil, "HEAD")
assert(head.status == 200 and head.body == "" and head.headers["Content-Length"] == tostring(#big))
local refused = get("/files/style.css", nil, "POST")
assert(refused.status == 405 and refused.headers.Allow == "GET, HEAD")

-- The client has the current file already.
assert(get("/files/style.css", { ["If-None-Match"] = tag }).status == 304)
assert(get("/files/style.css", { ["If-None-Match"] = '"x", W/' .. tag }).status == 304)
assert(get("/files/style.css", { ["If-None-Match"] = '"x"', ["If-Modified-Since"] = date }).status
    == 200)
assert(get("/files/style.css", { ["If-Modified-Since"] = date }).status == 304)
assert(get("/files/style.css", { ["If-Modified-Since"] = "Thu, 01 Jan 1970 00:00:00 GMT" }).status
    == 200)

-- Parts.
local part = get("/files/big.bin", { Range = "bytes=10-19" })
assert(part.status == 206 and part.body == big:sub(11, 20))
assert(part.headers["Content-Range"] == "bytes 10-19/" .. #big)
assert(get("/files/big.bin", { Range = "bytes=300000-" }).body == big:sub(300001))
assert(get("/files/big.bin", { Range = "bytes=-5" }).body == big:sub(-5))
assert(get("/files/big.bin", { Range = "bytes=0-9", ["If-Range"] = '"other"' }).status == 200)
local outside = get("/files/big.bin", { Range = "bytes=640000-" })
assert(outside.status == 416 and outside.headers["Content-Range"] == "bytes */" .. #big)

-- Paths that lead out.
local function raw(path)
    local conn = assert(tcp_connect("127.0.0.1", port))
    conn.write("GET " .. path .. " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    local answer = conn.read("*a")
    assert(not answer:find("secret", 1, true) and not answer:find("root:", 1, true), path)
    return tonumber(answer:match("^HTTP/1.1 (%d+)"))
end
for _, path in ipairs {
    "/files/../secret.txt", "/files/%2e%2e/secret.txt", "/files/..%2fsecret.txt",
    "/files/sub/../../secret.txt", "/files//etc/passwd", "/files/%2fetc/passwd", "/files/link.txt",
    "/files/.hidden/x.txt", "/files/..%5csecret.txt", "/files/style.css/",
    "/files/style.css%00.txt", "/files/none", "/files/C:/x", "/files/./style.css", "/none",
} do
    assert(raw(path) == 404, path)
end

local ok, message = pcall(serve_static, "s", "/x", folder .. "/none")
assert(not ok and message:find("none: ", 1, true), message)
local ok, message = pcall(serve_static, "s", "/x", folder .. "/secret.txt")
assert(not ok and message:find("secret.txt: ", 1, true), message)
stop_server("s")
os.execute("rm -r " .. folder)
