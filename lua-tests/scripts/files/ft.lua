-- ft: copies, moves; downloads from and uploads to a server on the loopback.
local function refused(text, ...)
  local result, message = ...
  assert(result == nil and tostring(message):find(text, 1, true), tostring(message))
end
local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and tostring(message):find(text, 1, true), tostring(message))
end
local function shell(command)
  local pipe = io.popen(command .. " 2>&1")
  local text = pipe:read("*a")
  pipe:close()
  return (text:gsub("%s+$", ""))
end
local root = os.tmpname()
os.remove(root)
assert(mkdir(root))
local function at(name) return root .. "/" .. name end

-- copy
local large = ("0123456789\0"):rep(300000)
write_file(at("a"), large)
shell("chmod 640 " .. at("a"))
assert(ft.copy(at("a"), at("new/folder/b")) == true)
assert(read_file(at("new/folder/b")) == large
  and shell("stat -c %a " .. at("new/folder/b")) == "640")
write_file(at("c"), "old")
assert(ft.copy(at("a"), at("c")) and read_file(at("c")) == large)
assert(ft.copy(at("a"), at("a")) and read_file(at("a")) == large)
refused(at("missing") .. " to " .. at("x") .. ": No such file or directory",
  ft.copy(at("missing"), at("x")))
refused(at("a") .. " to " .. at("new") .. ": Is a directory", ft.copy(at("a"), at("new")))
refused("File exists", ft.copy(at("a"), at("c/x")))
shell("mkdir -p " .. at("tree/in") .. "; echo 1 > " .. at("tree/in/1") .. "; ln -s in/1 "
  .. at("tree/link") .. "; chmod 500 " .. at("tree/in"))
assert(ft.copy(at("tree"), at("copy/of/tree"))
  and shell("diff -r " .. at("tree") .. " " .. at("copy/of/tree")) == "")
assert(shell("stat -c %a " .. at("copy/of/tree/in") .. "; readlink " .. at("copy/of/tree/link"))
  == "500\nin/1")
assert(ft.copy(at("tree"), at("copy/of/tree")), "again, over what is there")
refused("cannot copy a directory into itself", ft.copy(at("tree"), at("tree/in/tree")))
assert(not exists(at("tree/in/tree")))
fails("bad argument #2 to 'copy' (string expected, got no value)", function() ft.copy("a") end)

-- move
assert(ft.move(at("c"), at("moved/c")) and not exists(at("c"))
  and read_file(at("moved/c")) == large)
assert(ft.move(at("copy"), at("moved/copy"))
  and shell("diff -r " .. at("tree") .. " " .. at("moved/copy/of/tree")) == "")
refused("No such file or directory", ft.move(at("missing"), at("made/by/mistake/x")))
assert(not exists(at("made")))
if file_info("/dev/shm").name and exists("/dev/shm") then
  -- To another file system and back
  local other = "/dev/shm/" .. root:match("[^/]*$")
  assert(ft.move(at("moved"), other) and not exists(at("moved"))
    and read_file(other .. "/c") == large)
  assert(ft.move(other, at("moved")) and not exists(other)
    and shell("diff -r " .. at("tree") .. " " .. at("moved/copy/of/tree")) == "")
end

-- A server
local listener = assert(tcp_listen(0, { host = "127.0.0.1" }))
local base = "http://127.0.0.1:" .. listener.port
local received
go(function()
  while true do
    local connection = receive(listener)
    if not connection then break end
    go(function()
      local request = ""
      repeat
        request = request .. (connection.read() or error("no request"))
      until request:find("\r\n\r\n", 1, true)
      local head, body = request:match("^(.-\r\n\r\n)(.*)$")
      local method, path = head:match("^(%S+) (%S+)")
      local length = tonumber(head:lower():match("content%-length: (%d+)") or 0)
      while #body < length do
        body = body .. (connection.read() or error("body too short"))
      end
      local status, answer, told = "200 OK", "", nil
      if path == "/file" then
        answer = large
      elseif path == "/short" then
        answer, told = "short", 100
      elseif path == "/upload" then
        received = { method = method, head = head, body = body }
        answer = "thanks"
      else
        status, answer = "404 Not Found", "nothing"
      end
      connection.write(("HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"):format(
        status, told or #answer))
      connection.write(answer)
      connection.close()
    end)
  end
end)

-- download
assert(ft.download(base .. "/file", at("down/loaded/file")) == true
  and read_file(at("down/loaded/file")) == large)
refused(base .. "/none: server returned 404 Not Found",
  ft.download(base .. "/none", at("down/loaded/file")))
refused(base .. "/short: ", ft.download(base .. "/short", at("down/loaded/file")))
assert(read_file(at("down/loaded/file")) == large and #list_dir(at("down/loaded")) == 1,
  "a failure leaves what there was")
refused("http://127.0.0.1:1/x: ", ft.download("http://127.0.0.1:1/x", at("x")))
refused("Is a directory", ft.download(base .. "/file", at("down")))
assert(not exists(at("x")))
fails("unknown option 'save_to'", function()
  ft.download(base .. "/file", at("x"), { save_to = "y" })
end)
fails("option 'timeout': number expected, got boolean", function()
  ft.download(base .. "/file", at("x"), { timeout = true })
end)

-- upload
local response = assert(ft.upload(at("a"), base .. "/upload"))
assert(response.status == 200 and response.body == "thanks" and received.method == "POST"
  and received.body == large)
assert(received.head:lower():find("content-type: application/octet-stream", 1, true))
assert(ft.upload(at("a"), base .. "/upload", {
  method = "put", headers = { ["Content-Type"] = "text/x" },
}))
assert(received.method == "PUT" and received.head:lower():find("content-type: text/x", 1, true))
refused(base .. "/none: server returned 404 Not Found", ft.upload(at("a"), base .. "/none"))
refused(at("missing") .. ": No such file or directory", ft.upload(at("missing"), base .. "/upload"))
listener.close()
shell("chmod -R u+w " .. root)
assert(remove(root, true))
