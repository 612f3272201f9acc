---@meta

---A client for FTP with the interface of LuaSocket's module. Load it with `require "socket.ftp"`;
---the fields `USER`, `PASSWORD` and `TIMEOUT` may be set.
---
---```lua no-run
---local ftp = require "socket.ftp"
---local text = assert(ftp.get("ftp://user:password@host/folder/file;type=i"))
---```
---@class socket.ftp
socket.ftp = {}

---Downloads a file. A table has more than a URL: `host`, `port`, `user`, `password`, `path`,
---`command`, `argument`, `type`, `sink`, `step`; the file then goes to the sink.
---@param request string|table
---@return any contents nil if it failed
---@return string? reason
function socket.ftp.get(request) end

---Uploads a file: a URL and its contents, or a table as in `get`, with `source`.
---@param request string|table
---@param body? string
---@return number? sent bytes
---@return string? reason
function socket.ftp.put(request, body) end

---Sends commands: fields `command`, `argument` and `check` (patterns of expected codes), or lists.
---@param request table
---@return any success
---@return string? reason
function socket.ftp.command(request) end

---The request that `get` makes from a URL.
---@param url string
---@return table request
function socket.ftp.genericform(url) end

---Opens a session, for requests step by step.
---@param server string
---@param port? number
---@param create? function makes a socket
---@return table session
function socket.ftp.open(server, port, create) end
