---@meta

---File transfer: copies and moves on the machine, downloads and uploads over HTTP. Folders that the target is to lie in are made.
---A file takes its place when it is whole, so a failure leaves what there was.
---@class ft
ft = {}

---Copies a file, or a folder and everything in it, with permissions; symbolic links in a folder are copied as links. What is
---there already is replaced, file by file.
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
---@param to string the new path, not the folder that it goes to
---@param options? { progress?: boolean } `progress`: whether to show it at a terminal, if it takes long (default true)
---@return boolean? success nil if it cannot be copied
---@return string? message
---@return number? code
function ft.copy(from, to, options) end

---Moves a file or a folder; to another file system by copying it.
---
---```lua
---write_file("a.txt", "text")
---assert(ft.move("a.txt", "archive/a.txt"))
---assert(not exists("a.txt") and exists("archive/a.txt"))
---```
---@param from string
---@param to string the new path, not the folder that it goes to
---@param options? { progress?: boolean } `progress`: whether to show it at a terminal, if it takes long (default true)
---@return boolean? success nil if it cannot be moved
---@return string? message
---@return number? code
function ft.move(from, to, options) end

---Saves what is at a URL in a file. Options are those of `http_get`: `headers`, `timeout` (default 300 seconds), `redirects`,
---`ca_file`, `insecure`, and `progress`: whether to show at a terminal how far it has come, if it takes long (default true). An answer that is no success (404, 500, …) is a failure, as is a connection that breaks. Failures are also
---told to `on_error`.
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

---Sends a file to a URL, by POST or as option `method` says; otherwise options are those of `ft.download`. The file is read while
---it is sent. Its type is `application/octet-stream` unless option `headers` has a `Content-Type`.
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
---local response = ft.upload("file.txt", "http://127.0.0.1:" .. listener.port .. "/", { method = "PUT" })
---assert(response.status == 201 and response.body == "ok")
---listener.close()
---```
---@param path string
---@param url string
---@param options? table
---@return table? response `status`, `headers`, `body` as from `http_get`; nil if it failed
---@return string? message
function ft.upload(path, url, options) end
