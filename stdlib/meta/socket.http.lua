---@meta

---A client for HTTP with the interface of LuaSocket's module: each request has its own connection.
---New programs are better served by `http_get` and `http_request`. Load it with `require
---"socket.http"`; the fields `TIMEOUT`, `PROXY` and `USERAGENT` may be set.
---
---```lua
---create_server("site", 0, { host = "127.0.0.1" })
---handle_http("site", "/", function(request) return "hello" end)
---local http = require "socket.http"
---local body, code, headers = http.request("http://127.0.0.1:" .. start_server("site") .. "/")
---assert(body == "hello" and code == 200 and headers["content-length"] == "5")
---os.exit()
---```
---
---The module `socket.headers` has the usual spelling of header fields, by their names in lower
---case, in the table `canonic`.
---@class socket.http
socket.http = {}

---Requests a URL, with a body by POST. A table has more: `url`, `method`, `headers`, `source`,
---`sink`, `step`, `proxy`, `redirect`, `maxredirects`, `create`; the body then goes to the sink,
---and the first result is 1.
---@param request string|table
---@param body? string
---@return any body nil if it failed
---@return any code the reason if it failed
---@return table? headers
---@return string? status
function socket.http.request(request, body) end

---Opens a connection, for requests step by step: `sendrequestline`, `sendheaders`, `sendbody`,
---`receivestatusline`, `receiveheaders`, `receivebody`, `close`.
---@param host string
---@param port number
---@param create function makes a socket
---@return table connection
function socket.http.open(host, port, create) end

---The request that `request` makes from a URL and a body.
---@param url string
---@param body? string
---@return table request
function socket.http.genericform(url, body) end
