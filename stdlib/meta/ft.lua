---@meta

---File transfer: local copies and moves, downloads and uploads over HTTP. Missing parent
---directories of the target are created. A file replaces its target only when it is complete, so a
---failure leaves the old contents.
---@class ft
ft = {}

---Copies a file, or a directory and everything in it, with permissions; symbolic links in a
---directory are copied as links. Existing files are replaced, one by one.
---
---```lua
---write_file("a.txt", "text")
---assert(ft.copy("a.txt", "backup/2024/a.txt"))
---assert(read_file("backup/2024/a.txt") == "text")
---
---assert(ft.copy("backup", "second"))
---assert(read_file("second/2024/a.txt") == "text")
---
---local copied, message = ft.copy("missing", "x")
---assert(not copied and message == "missing to x: No such file or directory")
---```
---@param from string
---@param to string the new path, not the directory that it is copied to
---@param options? { progress?: boolean } `progress`: whether to show progress on a terminal, if it takes long (default true)
---@return boolean? success nil if it cannot be copied
---@return string? message
---@return number? code
function ft.copy(from, to, options) end

---Moves a file or a directory; to another file system by copying it.
---
---```lua
---write_file("a.txt", "text")
---assert(ft.move("a.txt", "archive/a.txt"))
---assert(not exists("a.txt") and exists("archive/a.txt"))
---```
---@param from string
---@param to string the new path, not the directory that it is moved to
---@param options? { progress?: boolean } `progress`: whether to show progress on a terminal, if it takes long (default true)
---@return boolean? success nil if it cannot be moved
---@return string? message
---@return number? code
function ft.move(from, to, options) end

---Downloads a URL to a file. Options are those of `http_get`: `headers`, `timeout` (default 300
---seconds), `redirects`, `ca_file`, `insecure`, and `progress`: whether to show progress on a
---terminal, if it takes long (default true). An unsuccessful status (404, 500, …) is a failure, and
---so is a connection that breaks. Failures are also passed to `on_error`.
---
---```lua
---local listener = tcp_listen(0, { host = "127.0.0.1" })
---go(function()
---    local connection = receive(listener)
---    connection.read()
---    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nHello")
---    connection.close()
---end)
---assert(ft.download("http://127.0.0.1:" .. listener.port .. "/file", "down/file.txt"))
---assert(read_file("down/file.txt") == "Hello")
---listener.close()
---```
---@param url string
---@param path string
---@param options? table
---@return boolean? success nil if it failed
---@return string? message
function ft.download(url, path, options) end

---Sends a file to a URL, by POST or the method in option `method`; otherwise options are those of
---`ft.download`. The file is read while it is sent. Its type is `application/octet-stream` unless
---option `headers` has a `Content-Type`.
---
---```lua
---local listener = tcp_listen(0, { host = "127.0.0.1" })
---go(function()
---    local connection, request = receive(listener), ""
---    repeat
---        request = request .. connection.read()
---    until request:find("Hello", 1, true)
---    connection.write("HTTP/1.1 201 Created\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
---    connection.close()
---end)
---write_file("file.txt", "Hello")
---local response = ft.upload("file.txt", "http://127.0.0.1:" .. listener.port .. "/",
---  { method = "PUT" })
---assert(response.status == 201 and response.body == "ok")
---listener.close()
---```
---@param path string
---@param url string
---@param options? table
---@return table? response `status`, `headers`, `body` as from `http_get`; nil if it failed
---@return string? message
function ft.upload(path, url, options) end
