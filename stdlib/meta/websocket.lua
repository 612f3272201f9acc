---@meta

---WebSockets: the client, and the object that both sides use. Servers are in the module `http`: see
---`handle_ws`.
---@class websocket
local websocket = {}

---Opens a WebSocket. The program's default time limit is paused until it is closed.
---
---```lua
---create_server("s", 0, { host = "127.0.0.1" })
---handle_ws("s", "/", function(ws) ws.send("Hello client!") ws.receive() end)
---local ws = assert(ws_connect("ws://127.0.0.1:" .. start_server("s") .. "/"))
---assert(ws.receive() == "Hello client!")
---ws.close()
---stop_server("s")
---
---local nothing, reason = ws_connect("ws://127.0.0.1:1/")
---assert(nothing == nil and reason:find("ws://127.0.0.1:1/", 1, true))
---```
---@param url string a URL that starts with `ws://` or `wss://`
---@param options? { headers?: table<string, string|string[]>, timeout?: number, max_message?: integer, ca_file?: string, insecure?: boolean } `headers`: header fields to send, as for `http_get`; `timeout`: seconds until it is open (default 10; 0 means no limit); `max_message`: maximum bytes of a message (default 16 MiB); `ca_file`: a PEM file with the certificates of the only authorities to trust; `insecure`: trust any certificate
---@return WebSocket? ws nil if it fails
---@return string? reason why
function ws_connect(url, options) end

---A WebSocket, of a server or of a client. Pings are answered automatically; a peer that is silent
---for a long time is sent a ping.
---@class WebSocket
---@field remote_addr string the peer's address and port
local WebSocket = {}

---Sends a message. Without a kind it is text if it is valid UTF-8, otherwise binary.
---
---```lua
---create_server("s", 0, { host = "127.0.0.1" })
---handle_ws("s", "/", function(ws) ws.send(ws.receive()) ws.send("\255") end)
---local ws = ws_connect("ws://127.0.0.1:" .. start_server("s") .. "/")
---
---assert(ws.send("text") == true)
---local message, kind = ws.receive()
---assert(message == "text" and kind == "text")
---assert(select(2, ws.receive()) == "binary")
---local nothing, reason, code = ws.receive()
---assert(nothing == nil and reason == "closed" and code == 1000, "the handler has returned")
---assert(ws.send("more") == false)
---stop_server("s")
---```
---@param message string
---@param kind? "text"|"binary"
---@return boolean sent false if the peer has closed the connection
---@return string? reason "closed"
function WebSocket:send(message, kind) end

---The next message. At the end: nil, "closed", the code with which the peer closed it (1006 if the
---connection was lost) and its reason. A goroutine that calls it again after that is ended.
---@param seconds? number how long to wait (default: no limit)
---@return string? message nil at the end, or after the timeout
---@return string kind "text" or "binary"; with nil "closed" or "timeout"
---@return integer? code why it was closed
---@return string? text the reason that the peer gave
function WebSocket:receive(seconds) end

---Closes the WebSocket. Goroutines that wait for a message get nil and "closed".
---
---```lua
---create_server("s", 0, { host = "127.0.0.1" })
---handle_ws("s", "/", function(ws) ws.close(4000, "not today") end)
---local ws = ws_connect("ws://127.0.0.1:" .. start_server("s") .. "/")
---local nothing, reason, code, text = ws.receive()
---assert(reason == "closed" and code == 4000 and text == "not today")
---stop_server("s")
---```
---@param code? integer 1000 (default), 1001, 1002, 1003, 1007 to 1014 or 3000 to 4999
---@param reason? string up to 123 bytes
function WebSocket:close(code, reason) end
