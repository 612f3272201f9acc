-- import from the network: a server on the loopback, redirects, errors, limits, the cache.
local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and tostring(message):find(text, 1, true), tostring(message))
end

-- A server that responds with the contents of `pages`.
local pages, requests = {}, {}
local listener = assert(tcp_listen(0, { host = "127.0.0.1" }))
local base = "http://127.0.0.1:" .. listener.port
go(function()
  while true do
    local connection = receive(listener)
    if not connection then break end
    go(function()
      local request = ""
      repeat
        local piece = connection.read()
        if not piece then return connection.close() end
        request = request .. piece
      until request:find("\r\n\r\n", 1, true)
      local path = request:match("^GET (%S+)")
      requests[path] = (requests[path] or 0) + 1
      local page = pages[path] or { status = "404 Not Found", body = "nothing" }
      if type(page) == "string" then page = { body = page } end
      connection.write(("HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n%s\r\n"):format(
        page.status or "200 OK", page.length or #page.body, page.headers or ""))
      connection.write(page.body)
      connection.close()
    end)
  end
end)

pages["/user/repo/main/utils.lua"] =
  "runs = (runs or 0) + 1 return { name = ..., file = debug.getinfo(1, 'S').source }"
local url = base .. "/user/repo/main/utils.lua"
assert(import(url) == utils and utils.name == "utils" and utils.file == "@" .. url and runs == 1)
assert(import(url) == utils and runs == 1 and requests["/user/repo/main/utils.lua"] == 1)

-- Modules next to it, in the project, and built in
pages["/lib/a.lua"] = "return { b = import('b'), c = import('sub/c'), json = import('json') }"
pages["/lib/b.lua"] = "return 'b'"
pages["/lib/sub/c.lua"] = "return import('../b') .. 'c'"
local a = import(base .. "/lib/a.lua")
assert(a.b == "b" and a.c == "bc" and a.json == json and requests["/lib/b.lua"] == 1)

-- Redirects
pages["/old.lua"] = { status = "302 Found", headers = "Location: /lib/b.lua\r\n", body = "" }
assert(import(base .. "/old.lua") == "b" and old == "b")
pages["/for_ever.lua"] = {
  status = "302 Found", headers = "Location: /for_ever.lua\r\n", body = "",
}
fails("cannot fetch " .. base .. "/for_ever.lua: ", import, base .. "/for_ever.lua")

-- A query is not a part of the name.
pages["/q.lua?token=1/2"] = "return 'query'"
assert(import(base .. "/q.lua?token=1/2") == "query" and q == "query")

-- Errors
fails("cannot fetch " .. base .. "/missing.lua: not found", import, base .. "/missing.lua")
pages["/error.lua"] = { status = "500 Internal Server Error", body = "oh" }
fails("cannot fetch " .. base .. "/error.lua: server returned 500", import, base .. "/error.lua")
pages["/broken.lua"] = "return ="
fails("error loading module 'broken':\n\t" .. base .. "/broken.lua:1: ", import,
  base .. "/broken.lua")
fails("broken.lua:1: ", import, base .. "/broken.lua")
assert(requests["/broken.lua"] == 1, "text is fetched once, even if it does not run")
pages["/short.lua"] = { body = "return 1", length = 100 }
fails("cannot fetch " .. base .. "/short.lua: ", import, base .. "/short.lua")
pages["/large.lua"] = ("-"):rep(10 * 1024 * 1024 + 1)
fails("cannot fetch " .. base .. "/large.lua: larger than 10 MiB", import, base .. "/large.lua")
fails("cannot fetch http://127.0.0.1:1/x.lua: ", import, "http://127.0.0.1:1/x.lua")
fails("no_such_host.invalid", import, "http://no_such_host.invalid/x.lua")

-- Archives, and a repository on a replacement of GitHub
local folder = os.tmpname()
os.remove(folder)
assert(mkdir(folder))
write_file(folder .. "/make.py", [[
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as z:
    z.writestr('tool-1234abc/tool.lua', 'return { inner = import("src/inner") }')
    z.writestr('tool-1234abc/src/inner.lua', 'return "inner"')
]])
assert(os.execute("python3 " .. folder .. "/make.py " .. folder .. "/tool.zip") == 0)
pages["/downloads/kit.zip"] = read_file(folder .. "/tool.zip")
pages["/owner/tool/archive/HEAD.zip"] = {
  status = "302 Found", headers = "Location: /downloads/kit.zip\r\n", body = "",
}
pages["/owner/tool/archive/v2.zip"] = pages["/downloads/kit.zip"]
assert(import(base .. "/downloads/kit.zip").tool.inner == "inner" and kit.tool)
os.setenv("SOLVM_GITHUB", base)
assert(import("github.com/owner/tool").tool.inner == "inner" and tool.tool ~= kit.tool)
assert(import("https://github.com/owner/tool") == tool or tool.tool)
assert(import("github.com/owner/tool@v2").tool.inner == "inner")
assert(import("github.com/owner/tool/src/inner") == "inner" and inner == "inner")
assert(requests["/owner/tool/archive/HEAD.zip"] == 1)
fails("cannot fetch " .. base .. "/owner/none/archive/HEAD.zip: not found", import,
  "github.com/owner/none")
fails("no Lua files in 'github.com/owner/tool/none': try src, the archive itself", import,
  "github.com/owner/tool/none")
pages["/fake.zip"] = "no archive"
fails("cannot read " .. base .. "/fake.zip: not a valid zip archive", import, base .. "/fake.zip")
assert(remove(folder, true))

-- Other goroutines run while a module is fetched.
pages["/slow.lua"] = "return 1"
local ticks = 0
local timer = set_interval(function() ticks = ticks + 1 end, 0.001)
go(function() import(base .. "/slow.lua") end)
sleep(0.05)
assert(ticks > 0 and slow == 1)
clear_interval(timer)
listener.close()
