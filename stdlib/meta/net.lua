---@meta

---Sockets (TCP and UDP) and host names.
---
---Waits in these functions do not block other goroutines. The objects' methods can be called with a
---colon or with a dot. Closing an object ends every wait on it, in any goroutine. The end of a
---stream is reported once: a goroutine that calls again after the `nil` is ended, so a loop that
---ignores it ends, too.
---@class net
local net = {}

---Listens for connections. A listener is also a channel of them: `receive(listener)` and
---`select(listener, channel)` work.
---
---```lua
---local server = tcp_listen(0, { host = "127.0.0.1" })
---go(function()
---    while true do
---        local conn = receive(server)
---        if not conn then break end
---        go(function()
---            local line = conn.read("*l")
---            conn.write("Echo: " .. line)
---            conn.close()
---        end)
---    end
---end)
---
---local conn = tcp_connect("127.0.0.1", server.port)
---conn.write("hello\n")
---assert(conn.read("*a") == "Echo: hello")
---conn.close()
---server.close()
---```
---@param port integer 0 for any that is free
---@param options? { host?: string } `host`: the name or address of the interface (default: all of them)
---@return Listener? listener nil if the port cannot be had
---@return string? reason why not
function tcp_listen(port, options) end

---A listener of `tcp_listen`: a channel of connections.
---@class Listener
---@field port integer the port on which it listens
local Listener = {}

---The next connection; the same as `receive(listener)`.
---
---```lua
---local server = tcp_listen(0, { host = "127.0.0.1" })
---local nothing, reason = server:accept(0.01)
---assert(nothing == nil and reason == "timeout")
---server:close()
---```
---@param seconds? number how long to wait (default: no limit)
---@return Connection? connection nil at the end or after the timeout
---@return string? reason "closed" or "timeout"
function Listener:accept(seconds) end

---Frees the port. Goroutines that wait for a connection get nil and "closed".
function Listener:close() end

---Connects to a host: to the first of its addresses that accepts.
---
---```lua
---local server = tcp_listen(0, { host = "127.0.0.1" })
---local conn = assert(tcp_connect("localhost", server.port, { timeout = 5 }))
---assert(conn.remote_addr == "127.0.0.1:" .. server.port)
---local peer = server.accept()
---peer.write("hi")
---assert(conn.read() == "hi")
---server.close()
---
---local nothing, reason = tcp_connect("127.0.0.1", 1)
---assert(nothing == nil and reason:find("127.0.0.1:1: ", 1, true))
---```
---@param host string name or address
---@param port integer
---@param options? { timeout?: number } `timeout`: seconds (default 10; 0 means no limit)
---@return Connection? connection nil if it fails
---@return string? reason why
function tcp_connect(host, port, options) end

---A TCP connection.
---@class Connection
---@field remote_addr string the peer's address and port, `"127.0.0.1:51234"`
local Connection = {}

---Reads from the connection: the next data that arrives; or that many bytes; or a line (`"*l"`,
---without its line break); or everything until the peer closes (`"*a"`). At the end there may be
---fewer bytes, or a line without a line break.
---
---```lua
---local server = tcp_listen(0, { host = "127.0.0.1" })
---local conn, peer = tcp_connect("127.0.0.1", server.port), server.accept()
---peer.write("line\r\n12345rest")
---assert(conn.read("*l") == "line" and conn.read(5) == "12345" and conn.read() == "rest")
---local nothing, reason = conn.read("*l", 0.01)
---assert(nothing == nil and reason == "timeout", "what comes later is not lost")
---peer.close()
---local nothing, reason = conn.read()
---assert(nothing == nil and reason == "closed")
---server.close()
---```
---@param amount? integer|"*l"|"*a"
---@param seconds? number how long to wait (default: no limit)
---@return string? data nil at the end
---@return string? reason "closed", "timeout", or the error
function Connection:read(amount, seconds) end

---Writes to the connection: returns when the operating system has accepted all data.
---@param data string
---@return boolean written false if the peer has closed the connection
---@return string? reason "closed", or the error
function Connection:write(data) end

---Ends the output: the peer reads the end of the stream, and can still send data.
---
---```lua
---local server = tcp_listen(0, { host = "127.0.0.1" })
---go(function()
---    local peer = server.accept()
---    peer.write(#peer.read("*a") .. " bytes")
---    peer.close()
---end)
---local conn = tcp_connect("127.0.0.1", server.port)
---conn.write("question")
---conn.close_write()
---assert(conn.read("*a") == "8 bytes")
---assert(select(2, conn.write("more")) == "closed")
---server.close()
---```
function Connection:close_write() end

---Closes the connection. Written data is still sent.
function Connection:close() end

---Sends a datagram.
---
---```lua
---local socket = udp_recvfrom(0, { host = "127.0.0.1" })
---assert(udp_sendto("127.0.0.1", socket.port, "Hello, UDP!"))
---local message = socket.receive()
---assert(message.data == "Hello, UDP!" and message.addr == "127.0.0.1")
---socket.close()
---```
---@param host string name or address
---@param port integer
---@param data string up to 65507 bytes
---@return true? sent nil if it fails; that it arrives is not certain
---@return string? reason why
function udp_sendto(host, port, data) end

---Opens a socket that receives datagrams.
---@param port integer 0 for any that is free
---@param options? { host?: string } `host`: the name or address of the interface (default: all of them)
---@return UdpSocket? socket nil if the port cannot be had
---@return string? reason why not
function udp_recvfrom(port, options) end

---A datagram.
---@class Datagram
---@field data string
---@field addr string the sender's address, without the port
---@field port integer the sender's port
local Datagram = {}

---A socket of `udp_recvfrom`.
---@class UdpSocket
---@field port integer the port on which it receives
local UdpSocket = {}

---The next datagram.
---@param seconds? number how long to wait (default: no limit)
---@return Datagram? datagram nil at the end or after the timeout
---@return string? reason "closed", "timeout", or the error
function UdpSocket:receive(seconds) end

---Sends a datagram from the socket's own port, as a reply.
---
---```lua
---local server = udp_recvfrom(0, { host = "127.0.0.1" })
---local client = udp_recvfrom(0, { host = "127.0.0.1" })
---client.send("127.0.0.1", server.port, "question")
---local question = server.receive()
---server.send(question.addr, question.port, "answer")
---assert(client.receive().data == "answer")
---server.close()
---client.close()
---```
---@param host string name or address
---@param port integer
---@param data string
---@return true? sent nil if it fails
---@return string? reason why
function UdpSocket:send(host, port, data) end

---Frees the port. Goroutines that wait for a datagram get nil and "closed".
function UdpSocket:close() end

---Finds the addresses of a host, IPv4 first. It takes at most 5 seconds.
---
---```lua
---local ip, all = resolve_dns("localhost")
---assert(ip == "127.0.0.1" and all[1] == ip)
---```
---@param name string
---@return string? address the first one; nil if there is none
---@return string[]|string addresses all of them; or the reason
function resolve_dns(name) end
