-- socket.smtp: sends messages to a server, and builds them.
local socket = require("socket")
local tp = require("socket.tp")
local ltn12 = require("ltn12")
local mime = require("mime")
local canonic = require("socket.headers").canonic

local smtp = {
    TIMEOUT = 60,
    SERVER = "localhost",
    PORT = 25,
    -- The name that the client gives itself.
    DOMAIN = os.getenv("SERVER_NAME") or "localhost",
    -- The time zone of dates: unknown.
    ZONE = "-0000",
}
socket.smtp = smtp

-- Sessions.

local Session = {}
Session.__index = Session

function smtp.open(server, port, create)
    local control = socket.try(
        tp.connect(server or smtp.SERVER, port or smtp.PORT, smtp.TIMEOUT, create))
    local session = setmetatable({ tp = control }, Session)
    session.try = socket.newtry(function() session:close() end)
    return session
end

-- Sends a command and expects a reply.
function Session:ask(expected, command, argument)
    self.try(self.tp:command(command, argument))
    return self.try(self.tp:check(expected))
end

-- Returns the extensions that the server has.
function Session:greet(domain)
    self.try(self.tp:check("2.."))
    local _, reply = self:ask("2..", "EHLO", domain or smtp.DOMAIN)
    return reply
end

function Session:mail(from)
    return self:ask("2..", "MAIL", "FROM:" .. from)
end

function Session:rcpt(to)
    return self:ask("2..", "RCPT", "TO:" .. to)
end

function Session:data(source, step)
    self:ask("3..", "DATA")
    self.try(self.tp:source(source, step))
    self.try(self.tp:send("\r\n.\r\n"))
    return self.try(self.tp:check("2.."))
end

function Session:quit()
    return self:ask("2..", "QUIT")
end

function Session:close()
    return self.tp:close()
end

function Session:login(user, password)
    self:ask("3..", "AUTH", "LOGIN")
    self.try(self.tp:send(mime.b64(user) .. "\r\n"))
    self.try(self.tp:check("3.."))
    self.try(self.tp:send(mime.b64(password) .. "\r\n"))
    return self.try(self.tp:check("2.."))
end

function Session:plain(user, password)
    return self:ask("2..", "AUTH", "PLAIN " .. mime.b64("\0" .. user .. "\0" .. password))
end

function Session:auth(user, password, extensions)
    if not (user and password) then return 1 end
    if string.find(extensions, "AUTH[^\n]+LOGIN") then return self:login(user, password) end
    if string.find(extensions, "AUTH[^\n]+PLAIN") then return self:plain(user, password) end
    return self.try(nil, "authentication not supported")
end

function Session:send(mail)
    self:mail(mail.from)
    local recipients = mail.rcpt
    if type(recipients) ~= "table" then recipients = { recipients } end
    for _, recipient in ipairs(recipients) do self:rcpt(recipient) end
    self:data(ltn12.source.chain(mail.source, mime.stuff()), mail.step)
end

-- Messages.

local function in_lower_case(fields)
    local lower = {}
    for name, value in pairs(fields or {}) do lower[string.lower(name)] = value end
    return lower
end

local boundaries = 0

local function new_boundary()
    boundaries = boundaries + 1
    local time = os.date("%d%m%Y%H%M%S")
    return string.format("%s%05d==%05d", time, math.random(0, 99999), boundaries)
end

local function emit_headers(emit, fields)
    local lines = {}
    for name, value in pairs(fields) do
        lines[#lines + 1] = (canonic[name] or name) .. ": " .. value .. "\r\n"
    end
    lines[#lines + 1] = "\r\n"
    emit(table.concat(lines))
end

-- Emits a message or a part of one: its body is a string, a source, or a list of parts.
local function emit_message(emit, message)
    local fields, body = in_lower_case(message.headers), message.body
    if type(body) ~= "table" then
        fields["content-type"] = fields["content-type"] or 'text/plain; charset="iso-8859-1"'
        emit_headers(emit, fields)
        if type(body) ~= "function" then return emit(body) end
        while true do
            local chunk, reason = body()
            if reason then
                emit(nil, reason)
            elseif chunk then
                emit(chunk)
            else
                return
            end
        end
    end
    local boundary = new_boundary()
    local kind = fields["content-type"] or "multipart/mixed"
    fields["content-type"] = kind .. '; boundary="' .. boundary .. '"'
    emit_headers(emit, fields)
    if body.preamble then emit(body.preamble .. "\r\n") end
    for _, part in ipairs(body) do
        emit("\r\n--" .. boundary .. "\r\n")
        emit_message(emit, part)
    end
    emit("\r\n--" .. boundary .. "--\r\n\r\n")
    if body.epilogue then emit(body.epilogue .. "\r\n") end
end

-- Returns a source of the text of a message.
function smtp.message(message)
    local fields = in_lower_case(message.headers)
    local zone = message.zone or smtp.ZONE
    fields.date = fields.date or os.date("!%a, %d %b %Y %H:%M:%S ") .. zone
    fields["x-mailer"] = fields["x-mailer"] or socket._VERSION
    fields["mime-version"] = "1.0"
    message.headers = fields
    local writer = coroutine.create(function() emit_message(coroutine.yield, message) end)
    return function()
        local ok, chunk, reason = coroutine.resume(writer)
        if ok then return chunk, reason end
        return nil, chunk
    end
end

smtp.send = socket.protect(function(mail)
    local session = smtp.open(mail.server, mail.port, mail.create)
    local extensions = session:greet(mail.domain)
    session:auth(mail.user, mail.password, extensions)
    session:send(mail)
    session:quit()
    return session:close()
end)

return smtp
