-- Errors in a crate are reported with messages for Lua programmers.

local path = os.tmpname()
local function content(bytes) assert(write_file(path, bytes)) end
local function says(expected, nothing, message)
    assert(nothing == nil and message == expected, message)
end

for _, bytes in ipairs {
    "x", ("x"):rep(2000), ("\255"):rep(2000), "\31\139abc", "\31\139\8\0" .. ("\0"):rep(600),
} do
    content(bytes)
    says(path .. ": not a valid tar archive", tar.list(path))
    says(path .. ": not a valid tar archive", tar.extract(path, path .. ".folder"))
end
remove(path .. ".folder", true)
local zip = path .. ".zip"
assert(write_file(zip, "x"))
local ok, message = pcall(import, zip)
assert(not ok and message:find(zip .. ": not a valid zip archive", 1, true), message)
os.remove(zip)
os.remove(path)

says("cannot parse '2024-13-01': does not match layout '%Y-%m-%d'",
    datetime.parse("2024-13-01", "%Y-%m-%d"))
says("cannot parse '2024-01-01x': does not match layout '%Y-%m-%d'",
    datetime.parse("2024-01-01x", "%Y-%m-%d"))
says("cannot parse '2024-02-30': not a valid date for layout '%Y-%m-%d'",
    datetime.parse("2024-02-30", "%Y-%m-%d"))
says("cannot parse '2024': not a valid date for layout '%Y'", datetime.parse("2024", "%Y"))
for _, layout in ipairs { "%", "%:", "%!" } do
    local ok, message = pcall(datetime.format, 0, layout)
    assert(not ok and message:find("layout '" .. layout .. "': invalid conversion", 1, true),
        message)
end

for _, url in ipairs { "", "nonsense", "x/y" } do
    says(url .. ": URL must start with http:// or https://", http_get(url))
end
says("ws://: invalid URL (expected ws://host/path)", ws_connect("ws://"))

-- Servers with another protocol.
local listener = tcp_listen(0, { host = "127.0.0.1" })
local address = "127.0.0.1:" .. listener.port
local answer
go(function()
    while true do
        local conn = listener.accept()
        if not conn then break end
        conn.read()
        conn.write(answer)
        conn.close()
    end
end)
answer = "nonsense\r\n\r\n"
says("http://" .. address .. ": response is not valid HTTP", http_get("http://" .. address))
says("https://" .. address .. ": peer does not speak TLS", http_get("https://" .. address))
local _, message = ws_connect("wss://" .. address)
assert(message:find("peer does not speak TLS", 1, true), message)
answer = ""
says("http://" .. address .. ": connection closed before the response was complete",
    http_get("http://" .. address))
listener.close()
