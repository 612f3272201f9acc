-- ssl.https: socket.http over TLS.
local socket = require("socket")
local ssl = require("ssl")
local ltn12 = require("ltn12")
local http = require("socket.http")
local url = require("socket.url")

local https = {
    _VERSION = "1.2.0",
    _COPYRIGHT = "LuaSec's interface in SolVM",
    PORT = 443,
    TIMEOUT = 60,
}

local DEFAULTS = {
    protocol = "any",
    options = { "all", "no_sslv2", "no_sslv3", "no_tlsv1" },
    verify = "none",
}

-- The object that socket.http uses in place of a socket: it becomes a TLS connection when it
-- connects.
local Secure = {}

function Secure:__index(name)
    local own = rawget(Secure, name)
    if own ~= nil then return own end
    local method = self.sock[name]
    if type(method) ~= "function" then return method end
    return function(_, ...) return method(self.sock, ...) end
end

function Secure:settimeout()
    return self.sock:settimeout(https.TIMEOUT)
end

function Secure:connect(host, port)
    socket.try(self.sock:connect(host, port))
    self.sock = socket.try(ssl.wrap(self.sock, self.parameters))
    self.sock:sni(host)
    self.sock:settimeout(https.TIMEOUT)
    socket.try(self.sock:dohandshake())
    return 1
end

function https.tcp(parameters)
    parameters = parameters or {}
    for name, value in pairs(DEFAULTS) do
        if not parameters[name] then parameters[name] = value end
    end
    parameters.mode = "client"
    return function()
        local sock = socket.try(socket.tcp())
        return setmetatable({ sock = sock, parameters = parameters }, Secure)
    end
end

local function with_port(address)
    return url.build(url.parse(address, { port = https.PORT }))
end

function https.request(given, body)
    local request, chunks = given, nil
    if type(given) == "string" then
        chunks = {}
        request = { url = given, method = "GET", sink = ltn12.sink.table(chunks) }
        if body then
            request.method = "POST"
            request.source = ltn12.source.string(body)
            request.headers = {
                ["content-length"] = #body,
                ["content-type"] = "application/x-www-form-urlencoded",
            }
        end
    end
    request.url = with_port(request.url)
    if http.PROXY or request.proxy then return nil, "proxy not supported" end
    if request.redirect then return nil, "redirect not supported" end
    if request.create then return nil, "create function not permitted" end
    request.create = https.tcp(request)
    local result, code, fields, status = http.request(request)
    if result and chunks then return table.concat(chunks), code, fields, status end
    return result, code, fields, status
end

return https
