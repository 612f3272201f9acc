---@meta

---Sockets with the interface of LuaSocket 3.1, for programs written for it. It is not a global:
---load it with `require "socket"`. A file of a program, or an installed LuaSocket, wins over it;
---the files in Lua of an installed one work with the part in Rust, `socket.core`.
---
---Calls that wait let other goroutines run; with `settimeout(0)` they never wait. Functions that
---fail return nil and the reason: `"closed"`, `"timeout"`, `"connection refused"`, ... Connections
---need the permission `--allow-net`, servers and bound sockets `--allow-listen`; a wait with a time
---limit of its own, and an open server, pause the program's default time limit.
---
---```lua
---local socket = require "socket"
---local server = assert(socket.bind("127.0.0.1", 0))
---local _, port = server:getsockname()
---go(function()
---    local client = server:accept()
---    client:send("hello " .. client:receive() .. "\n")
---    client:close()
---end)
---local client = assert(socket.connect("127.0.0.1", port))
---client:send("you\n")
---assert(client:receive() == "hello you")
---assert(select(2, client:receive()) == "closed")
---```
---
---Differences: names of services are not ports, and addresses are not resolved to names
---(`tohostname` and `getnameinfo` return what they were given). IPv4 addresses of a host come
---first. The options `dontroute`, `tcp-defer-accept`, `tcp-fastopen` and `tcp-fastopen-connect` do
---not exist. `select` and `setfd` accept sockets of this program only, and `socket.serial` does not
---exist. Binding a socket needs the permission to listen, even if it connects afterwards.
---LuaSocket's modules are not there on Windows.
---@class socket
socket = {}

---The version of the interface.
socket._VERSION = "LuaSocket 3.0.0"

---The default size of a datagram that is received.
socket._DATAGRAMSIZE = 8192

---Maximum number of sockets in a set for `select`.
socket._SETSIZE = 1024

---The number of a closed socket.
socket._SOCKETINVALID = -1

---Has nothing to do.
function socket.__unload() end

---Connects to a host: returns a client.
---@param address string
---@param port number|string
---@param local_address? string
---@param local_port? number|string
---@param family? "unspec"|"inet"|"inet6"
---@return any client
---@return string? reason
function socket.connect(address, port, local_address, local_port, family) end

---`connect` with addresses of IPv4 only.
---@param address string
---@param port number|string
---@param local_address? string
---@param local_port? number|string
---@return any client
---@return string? reason
function socket.connect4(address, port, local_address, local_port) end

---`connect` with addresses of IPv6 only.
---@param address string
---@param port number|string
---@param local_address? string
---@param local_port? number|string
---@return any client
---@return string? reason
function socket.connect6(address, port, local_address, local_port) end

---Creates a server for an address, `"*"` for all of IPv4.
---@param host string
---@param port number|string 0 for any free one
---@param backlog? number
---@return any server
---@return string? reason
function socket.bind(host, port, backlog) end

---Creates a master object, whose family is that of its first address.
---@return any master
---@return string? reason
function socket.tcp() end

---Creates a master object for IPv4.
---@return any master
---@return string? reason
function socket.tcp4() end

---Creates a master object for IPv6.
---@return any master
---@return string? reason
function socket.tcp6() end

---Creates an unconnected object for datagrams, whose family is that of its first address.
---@return any unconnected
---@return string? reason
function socket.udp() end

---Creates an unconnected object for datagrams of IPv4.
---@return any unconnected
---@return string? reason
function socket.udp4() end

---Creates an unconnected object for datagrams of IPv6.
---@return any unconnected
---@return string? reason
function socket.udp6() end

---Waits until objects can be read or written. The results contain each ready object twice: by its
---position, and with its position by the object itself. A set may contain anything with a method
---`getfd` that returns the number of a socket; a method `dirty` says that data is buffered.
---
---```lua
---local socket = require "socket"
---local udp = socket.udp()
---udp:setsockname("127.0.0.1", 0)
---local readable, writable, reason = socket.select({ udp }, { udp }, 0)
---assert(#readable == 0 and writable[1] == udp and writable[udp] == 1 and reason == nil)
---assert(select(3, socket.select({ udp }, nil, 0)) == "timeout")
---```
---@param reading? table
---@param writing? table
---@param seconds? number no limit by default
---@return table readable
---@return table writable
---@return "timeout"? reason
function socket.select(reading, writing, seconds) end

---The seconds since 1970.
---@return number
function socket.gettime() end

---Suspends the goroutine; others continue.
---@param seconds number
function socket.sleep(seconds) end

---The arguments after the first `count` ones.
---@param count number
---@param ... any
---@return any ...
function socket.skip(count, ...) end

---Returns a function that raises an exception for `protect` if its first argument is false: with
---the second argument as the reason, after a call of the finalizer. Otherwise it returns its
---arguments.
---
---```lua
---local socket = require "socket"
---local try = socket.newtry(function() print("cleaned up") end)
---local f = socket.protect(function() return try(nil, "no luck") end)
---print(f()) --> cleaned up
-----> nil	no luck
---```
---@param finalizer? function
---@return function try
function socket.newtry(finalizer) end

---Returns a function that calls another one, and that returns nil and the reason where that raises
---an exception of `try`. Other errors pass.
---@param f function
---@return function
function socket.protect(f) end

---`newtry()`, without a finalizer.
---@param ... any
---@return any ...
function socket.try(...) end

---A sink for ltn12 that sends: `"close-when-done"`, or `"keep-open"` (the default).
---@param mode string
---@param socket any
---@return function sink
function socket.sink(mode, socket) end

---A source for ltn12 that receives: `"by-length"` with the number of bytes, or `"until-closed"`
---(the default).
---@param mode string
---@param socket any
---@param length? number
---@return function source
function socket.source(mode, socket, length) end

---Look-ups of hosts; also the module `socket.dns`.
---@class socket.dns
socket.dns = {}

---The first IPv4 address of a host, and a table with `name`, `alias` and all addresses in `ip`.
---@param host string
---@return string? address
---@return table|string resolved
function socket.dns.toip(host) end

---The name of a host as it was given, and the same table.
---@param host string
---@return string? name
---@return table|string resolved
function socket.dns.tohostname(host) end

---A list of all addresses: tables with `family` ("inet", "inet6") and `addr`.
---@param host string
---@return table? addresses
---@return string? reason
function socket.dns.getaddrinfo(host) end

---A list with a name for each address of a host, and the service. Names are as they were given.
---@param host? string
---@param service? string
---@return table? names
---@return string? service
function socket.dns.getnameinfo(host, service) end

---The name of the host that the program runs on.
---@return string? name
---@return string? reason
function socket.dns.gethostname() end

---Sockets whose addresses are paths: the module `socket.unix`, which may itself be called instead
---of
---`stream`. The OS looks a path up again after it is checked, so they are denied to programs with
---restricted permissions for files.
---
---```lua
---local unix = require "socket.unix"
---local server = unix.stream()
---assert(server:bind("socket") and server:listen())
---local client = unix.stream()
---assert(client:connect("socket"))
---client:send("hello\n")
---assert(server:accept():receive() == "hello")
---```
---@class socket.unix
socket.unix = {}

---Creates a master object for streams; its methods are those of TCP objects.
---@return any master
---@return string? reason
function socket.unix.stream() end

---Creates an unconnected object for datagrams: `bind`, `connect`, `send`, `receive`, `sendto(data,
---path)` and `receivefrom`, which returns the data and the sender's path.
---@return any unconnected
---@return string? reason
function socket.unix.dgram() end

---An older name of `stream`.
---@return any master
---@return string? reason
function socket.unix.tcp() end

---An older name of `dgram`.
---@return any unconnected
---@return string? reason
function socket.unix.udp() end

---A TCP object: a master, a client or a server, as its field `class` says (`"tcp{client}"`).
---@class TcpObject
local TcpObject = {}

---Binds a master to an address, `"*"` for all, and a port.
---@param address string
---@param port number|string
---@return 1? success
---@return string? reason
function TcpObject:bind(address, port) end

---Turns a master into a server.
---@param backlog? number number of connections that wait to be accepted
---@return 1? success
---@return string? reason
function TcpObject:listen(backlog) end

---Waits for the next client of a server.
---@return any client
---@return string? reason
function TcpObject:accept() end

---Connects: a master becomes a client.
---@param address string
---@param port number|string
---@return 1? success
---@return string? reason
function TcpObject:connect(address, port) end

---Receives a line without its end (`"*l"`, the default), everything until the connection is closed
---(`"*a"`), or a number of bytes. What has arrived when it fails is the third result; the next call
---gets it as the prefix.
---@param pattern? string|number
---@param prefix? string
---@return string? data
---@return string? reason
---@return string? partial
function TcpObject:receive(pattern, prefix) end

---Sends a string, or the part from byte `first` to `last`. Returns the position of the last byte
---that was sent; when it fails, as the third result.
---@param data string
---@param first? number
---@param last? number
---@return number? last
---@return string? reason
---@return number? partial
function TcpObject:send(data, first, last) end

---Limits the time of operations: `"b"` (the default) and `"t"` count from the start of each; zero
---means that it never waits, nil that there is no limit.
---@param seconds? number
---@param mode? "b"|"t"
---@return 1
function TcpObject:settimeout(seconds, mode) end

---The limits.
---@return number block
---@return number total
function TcpObject:gettimeout() end

---Sets an option: `keepalive`, `reuseaddr`, `reuseport`, `tcp-nodelay`, `tcp-keepidle`,
---`tcp-keepcnt`, `tcp-keepintvl`, `linger`, `ipv6-v6only`, `recv-buffer-size`, `send-buffer-size`.
---@param option string
---@param value any
---@return 1? success
---@return string? reason
function TcpObject:setoption(option, value) end

---Reads an option; also `error`.
---@param option string
---@return any value
---@return string? reason
function TcpObject:getoption(option) end

---The address, the port (a string) and the family of the socket itself.
---@return string? address
---@return string port
---@return string? family
function TcpObject:getsockname() end

---The address, the port and the family of the peer.
---@return string? address
---@return number|string port
---@return string? family
function TcpObject:getpeername() end

---`"inet4"` or `"inet6"`.
---@return string
function TcpObject:getfamily() end

---The bytes received and sent, and the age in seconds.
---@return number received
---@return number sent
---@return number age
function TcpObject:getstats() end

---Sets what `getstats` returns.
---@param received? number
---@param sent? number
---@param age? number
---@return 1
function TcpObject:setstats(received, sent, age) end

---Ends one direction: `"receive"`, `"send"` or `"both"` (the default).
---@param direction? string
---@return 1
function TcpObject:shutdown(direction) end

---Whether received data is buffered.
---@return boolean
function TcpObject:dirty() end

---The number of the socket, -1 if it is closed.
---@return number
function TcpObject:getfd() end

---Takes over the socket with a number from another object; with -1 it gives its own up.
---@param number number
function TcpObject:setfd(number) end

---Closes the socket and ends all waits.
---@return 1
function TcpObject:close() end

---An object for datagrams, connected or not. In addition it has the methods of TCP objects for time
---limits, options, names and closing.
---@class UdpObject
local UdpObject = {}

---Binds an unconnected object.
---@param address string
---@param port number|string
---@return 1? success
---@return string? reason
function UdpObject:setsockname(address, port) end

---Connects it: then it sends to this peer and receives from it only. `"*"` disconnects it.
---@param address string
---@param port? number|string
---@return 1? success
---@return string? reason
function UdpObject:setpeername(address, port) end

---Sends to the peer of a connected object.
---@param data string
---@return number? count
---@return string? reason
function UdpObject:send(data) end

---Sends from an unconnected object. The address is not a name.
---@param data string
---@param address string
---@param port number|string
---@return number? count
---@return string? reason
function UdpObject:sendto(data, address, port) end

---Receives a datagram.
---@param size? number what is longer is cut
---@return string? data
---@return string? reason
function UdpObject:receive(size) end

---Receives a datagram, with the sender's address and port.
---@param size? number
---@return string? data
---@return string address
---@return number? port
function UdpObject:receivefrom(size) end
