-- socket.ftp: a client for FTP. The data has a connection of its own, to the server (passive) or
-- from it.
local socket = require("socket")
local url = require("socket.url")
local tp = require("socket.tp")
local ltn12 = require("ltn12")

local ftp = { TIMEOUT = 60, USER = "ftp", PASSWORD = "anonymous@anonymous.org" }
socket.ftp = ftp

local PORT = 21

local Session = {}
Session.__index = Session

function ftp.open(server, port, create)
    local control = socket.try(tp.connect(server, port or PORT, ftp.TIMEOUT, create))
    local session = setmetatable({ tp = control }, Session)
    session.try = socket.newtry(function() session:close() end)
    return session
end

-- Sends a command and expects a reply.
function Session:ask(expected, command, argument)
    self.try(self.tp:command(command, argument))
    return self.try(self.tp:check(expected))
end

local function is_preliminary(code)
    return code >= 100 and code < 200
end

function Session:greet()
    local code = self.try(self.tp:check({ "2..", "1.." }))
    if is_preliminary(code) then self.try(self.tp:check("2..")) end
    return 1
end

function Session:login(user, password)
    local code = self:ask({ "2..", 331 }, "USER", user or ftp.USER)
    if code == 331 then self:ask("2..", "PASS", password or ftp.PASSWORD) end
    return 1
end

-- The server will wait for the data's connection there.
function Session:wait_at(address, port)
    if self.server then self.server:close() end
    self.server = nil
    self.pasvt = { address = address, port = port }
    return address, port
end

function Session:pasv()
    local _, reply = self:ask("2..", "PASV")
    local a, b, c, d, high, low =
        string.match(reply, "(%d+)%D(%d+)%D(%d+)%D(%d+)%D(%d+)%D(%d+)")
    self.try(low, reply)
    return self:wait_at(table.concat({ a, b, c, d }, "."), high * 256 + low)
end

function Session:epsv()
    local _, reply = self:ask("229", "EPSV")
    local port = select(4, string.match(reply, "%((.)(.-)%1(.-)%1(.-)%1%)"))
    self.try(port, "invalid epsv response")
    return self:wait_at((self.tp:getpeername()), port)
end

-- This end waits for the data's connection.
function Session:wait_here(address, port)
    self.pasvt = nil
    if address then return address, port end
    self.server = self.try(socket.bind(self.try(self.tp:getsockname()), 0))
    self.try(self.server:settimeout(ftp.TIMEOUT))
    return self.try(self.server:getsockname())
end

function Session:port(address, port)
    address, port = self:wait_here(address, port)
    local low = port % 256
    local place = string.format("%s,%d,%d", address, (port - low) / 256, low)
    self:ask("2..", "PORT", (string.gsub(place, "%.", ",")))
    return 1
end

function Session:eprt(family, address, port)
    address, port = self:wait_here(address, port)
    self:ask("2..", "EPRT", string.format("|%s|%s|%d|", family, address, port))
    return 1
end

function Session:pasvconnect()
    self.data = self.try(socket.tcp())
    self.try(self.data:settimeout(ftp.TIMEOUT))
    self.try(self.data:connect(self.pasvt.address, self.pasvt.port))
end

function Session:portconnect()
    self.data = self.try(self.server:accept())
    self.try(self.data:settimeout(ftp.TIMEOUT))
end

-- The argument of a transfer: a path without the slash that separates it from the host.
local function argument_of(request)
    local path = string.gsub(request.path or "", "^[/\\]", "")
    local argument = request.argument or url.unescape(path)
    if argument ~= "" then return argument end
    return nil
end

-- Returns the number of bytes that were sent.
function Session:send(request)
    self.try(self.pasvt or self.server, "need port or pasv first")
    if self.pasvt then self:pasvconnect() end
    local code = self:ask({ "2..", "1.." }, request.command or "STOR", argument_of(request))
    if not self.pasvt then self:portconnect() end
    local step = request.step or ltn12.pump.step
    -- The server may reply before everything is sent.
    local function checked(source, sink)
        local ready = socket.select({ self.tp }, nil, 0)
        if ready[self.tp] then code = self.try(self.tp:check("2..")) end
        return step(source, sink)
    end
    local data = self.data
    self.try(ltn12.pump.all(request.source, socket.sink("close-when-done", data), checked))
    if is_preliminary(code) then self.try(self.tp:check("2..")) end
    data:close()
    self.data = nil
    local _, sent = data:getstats()
    return sent
end

function Session:receive(request)
    self.try(self.pasvt or self.server, "need port or pasv first")
    if self.pasvt then self:pasvconnect() end
    local command = request.command or "RETR"
    local code, reply = self:ask({ "1..", "2.." }, command, argument_of(request))
    if not is_preliminary(code) then
        request.sink(reply)
        return 1
    end
    if not self.pasvt then self:portconnect() end
    local source = socket.source("until-closed", self.data)
    self.try(ltn12.pump.all(source, request.sink, request.step or ltn12.pump.step))
    self.try(self.tp:check("2.."))
    self.data:close()
    self.data = nil
    return 1
end

function Session:cwd(directory)
    self:ask(250, "CWD", directory)
    return 1
end

function Session:type(kind)
    self:ask(200, "TYPE", kind)
    return 1
end

function Session:quit()
    self:ask("2..", "QUIT")
    return 1
end

function Session:close()
    if self.data then self.data:close() end
    if self.server then self.server:close() end
    return self.tp:close()
end

-- Requests.

local DEFAULT = { path = "/", scheme = "ftp" }

-- A request for a URL.
function ftp.genericform(address)
    local request = socket.try(url.parse(address, DEFAULT))
    socket.try(request.scheme == "ftp", "wrong scheme '" .. request.scheme .. "'")
    socket.try(request.host, "missing hostname")
    if request.params then
        request.type = string.match(request.params, "^type=(.)$")
        local is_known = request.type == "a" or request.type == "i"
        socket.try(is_known, "invalid type '" .. tostring(request.type) .. "'")
    end
    return request
end

-- Opens a session for a request.
local function start(given)
    local request = given
    if given.url then
        request = socket.try(url.parse(given.url))
        for key, value in pairs(given) do request[key] = value end
    end
    socket.try(request.host, "missing hostname")
    local session = ftp.open(request.host, request.port, request.create)
    session:greet()
    session:login(request.user, request.password)
    if request.type then session:type(request.type) end
    return session, request
end

ftp.put = socket.protect(function(given, body)
    if type(given) == "string" then
        given = ftp.genericform(given)
        given.source = ltn12.source.string(body)
    end
    local session, request = start(given)
    session:epsv()
    local sent = session:send(request)
    session:quit()
    session:close()
    return sent
end)

ftp.get = socket.protect(function(given)
    local chunks
    if type(given) == "string" then
        given = ftp.genericform(given)
        given.sink, chunks = ltn12.sink.table()
    end
    local session, request = start(given)
    session:epsv()
    session:receive(request)
    session:quit()
    local result = session:close()
    if chunks then return table.concat(chunks) end
    return result
end)

ftp.command = socket.protect(function(given)
    socket.try(given.command, "missing command")
    local session, request = start(given)
    local commands, arguments, checks = request.command, request.argument, request.check
    if type(commands) ~= "table" then
        commands, arguments, checks = { commands }, { arguments }, { checks }
    end
    for i, command in ipairs(commands) do
        session.try(session.tp:command(command, arguments and arguments[i]))
        if checks and checks[i] then session.try(session.tp:check(checks[i])) end
    end
    session:quit()
    return session:close()
end)

return ftp
