-- socket.tp: the dialogue of text protocols such as SMTP and FTP: a command, and a reply whose
-- lines start with a code of three digits.
local socket = require("socket")
local ltn12 = require("ltn12")

local tp = { TIMEOUT = 60 }
socket.tp = tp

-- Returns the code and all lines of a reply. In all lines but the last, a dash follows the code.
local function receive_reply(sock)
    local line, reason = sock:receive()
    if reason then return nil, reason end
    local code, separator = string.match(line, "^(%d%d%d)(.?)")
    if not code then return nil, "invalid server reply" end
    local lines = { line }
    local is_last = separator ~= "-"
    while not is_last do
        line, reason = sock:receive()
        if reason then return nil, reason end
        lines[#lines + 1] = line
        is_last = string.sub(line, 1, 4) == code .. " "
    end
    return code, table.concat(lines, "\n")
end

local Control = {}
Control.__index = Control

-- Receives a reply, whose code must match: a pattern, one of a list, or what a function accepts.
function Control:check(expected)
    local code, reply = receive_reply(self.c)
    if not code then return nil, reply end
    if type(expected) == "function" then return expected(tonumber(code), reply) end
    if type(expected) ~= "table" then expected = { expected } end
    for _, pattern in ipairs(expected) do
        if string.find(code, pattern) then return tonumber(code), reply end
    end
    return nil, reply
end

function Control:command(command, argument)
    local line = string.upper(command)
    if argument then line = line .. " " .. argument end
    return self.c:send(line .. "\r\n")
end

function Control:send(data)
    return self.c:send(data)
end

function Control:receive(pattern)
    return self.c:receive(pattern)
end

function Control:source(source, step)
    return ltn12.pump.all(source, socket.sink("keep-open", self.c), step or ltn12.pump.step)
end

function Control:sink(sink, pattern)
    return sink(self.c:receive(pattern))
end

function Control:getcontrol()
    return self.c
end

function Control:getfd()
    return self.c:getfd()
end

function Control:dirty()
    return self.c:dirty()
end

function Control:getpeername()
    return self.c:getpeername()
end

function Control:getsockname()
    return self.c:getsockname()
end

function Control:close()
    self.c:close()
    return 1
end

function tp.connect(host, port, timeout, create)
    local sock, reason = (create or socket.tcp)()
    if not sock then return nil, reason end
    sock:settimeout(timeout or tp.TIMEOUT)
    local ok
    ok, reason = sock:connect(host, port)
    if ok then return setmetatable({ c = sock }, Control) end
    sock:close()
    return nil, reason
end

return tp
