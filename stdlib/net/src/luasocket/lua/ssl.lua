-- ssl: contexts from tables of parameters, and TLS connections from TCP connections.
local core = require("ssl.core")
local context = require("ssl.context")
local x509 = require("ssl.x509")
local config = require("ssl.config")

local unpack = unpack or table.unpack

-- Calls a function of ssl.context with a parameter that is one value or a list; nil is left out.
local function apply(set, made, parameter)
    if parameter == nil then return true end
    if type(parameter) == "table" then return set(made, unpack(parameter)) end
    return set(made, parameter)
end

-- A list of protocols for ALPN as it is transferred: each with its length in front.
local function encode_protocols(names)
    if type(names) == "string" then names = { names } end
    if type(names) ~= "table" then return nil, "invalid ALPN parameter" end
    local parts = {}
    for i, name in ipairs(names) do
        if type(name) ~= "string" then return nil, "invalid ALPN parameter" end
        if name == "" then return nil, "invalid ALPN name (empty string)" end
        if #name > 255 then return nil, "invalid ALPN name (length > 255)" end
        parts[i] = string.char(#name) .. name
    end
    if #parts == 0 then return nil, "invalid ALPN list (empty)" end
    return table.concat(parts)
end

local function decode_protocols(text)
    local names, at = {}, 1
    while at <= #text do
        local length = string.byte(text, at)
        names[#names + 1] = string.sub(text, at + 1, at + length)
        at = at + length + 1
    end
    return names
end

-- Sets a server's choice of a protocol: a list, or a function from the client's list to one.
local function set_server_protocols(made, choice)
    if type(choice) == "function" then
        return context.setalpncb(made, function(offered)
            return (encode_protocols(choice(decode_protocols(offered))))
        end)
    end
    local encoded, reason = encode_protocols(choice)
    if not encoded then return nil, reason end
    return context.setalpncb(made, function() return encoded end)
end

local function load_identity(made, identity)
    local password = identity.password
    if identity.key then
        local kind = type(password)
        if password and kind ~= "string" and kind ~= "function" then
            return nil, "invalid password type"
        end
        local ok, reason = context.loadkey(made, identity.key, password)
        if not ok then return nil, reason end
    end
    if identity.certificate then
        local ok, reason = context.loadcert(made, identity.certificate)
        if not ok then return nil, reason end
        if identity.key and not context.checkkey(made) then
            return nil, "private key does not match public key"
        end
    end
    return true
end

-- The parameters in the order in which they are applied: functions of the context and the
-- parameters, which return true, or nil and the reason.
local STEPS = {
    function(made, given) return context.setmode(made, given.mode) end,
    function(made, given)
        for _, identity in ipairs(given.certificates or { given }) do
            local ok, reason = load_identity(made, identity)
            if not ok then return nil, reason end
        end
        return true
    end,
    function(made, given)
        if not (given.cafile or given.capath) then return true end
        return context.locations(made, given.cafile, given.capath)
    end,
    function(made, given) return apply(context.setcipher, made, given.ciphers) end,
    function(made, given) return apply(context.setciphersuites, made, given.ciphersuites) end,
    function(made, given) return apply(context.setverify, made, given.verify) end,
    function(made, given) return apply(context.setoptions, made, given.options) end,
    function(made, given) return apply(context.setdepth, made, given.depth) end,
    function(made, given)
        if given.dhparam and type(given.dhparam) ~= "function" then
            return nil, "invalid DH parameter type"
        end
        return apply(context.setdhparam, made, given.dhparam)
    end,
    function(made, given)
        if given.curveslist then return context.setcurveslist(made, given.curveslist) end
        return apply(context.setcurve, made, given.curve)
    end,
    function(made, given) return apply(made.setverifyext, made, given.verifyext) end,
    function(made, given)
        if given.alpn == nil then return true end
        if given.mode == "server" then return set_server_protocols(made, given.alpn) end
        local encoded, reason = encode_protocols(given.alpn)
        if not encoded then return nil, reason end
        return context.setalpn(made, encoded)
    end,
}

local function new_context(given)
    local made, reason = context.create(given.protocol)
    if not made then return nil, reason end
    for _, step in ipairs(STEPS) do
        local ok, why = step(made, given)
        if not ok then return nil, why end
    end
    return made
end

-- Makes a TLS connection from a TCP connection, which is then closed for the program.
local function wrap(sock, parameters)
    local made, reason = parameters, nil
    if type(parameters) == "table" then
        made, reason = new_context(parameters)
        if not made then return nil, reason end
    end
    local connection
    connection, reason = core.create(made)
    if not connection then return nil, reason end
    core.setfd(connection, sock:getfd())
    sock:setfd(core.SOCKET_INVALID)
    return connection
end

local DESCRIPTION = "^(%S+)%s+(%S+)%s+Kx=(%S+)%s+Au=(%S+)%s+Enc=(%S+)%s+Mac=(%S+)"

-- What is known about a connection, or one field of it.
local function info(connection, field)
    local compression, reason = core.compression(connection)
    if reason then return compression, reason end
    if field == "compression" then return compression end
    local found = { compression = compression }
    local description, protocol
    description, found.bits, found.algbits, protocol = core.info(connection)
    if description then
        found.cipher, found.protocol, found.key, found.authentication, found.encryption, found.mac =
            string.match(description, DESCRIPTION)
        found.export = false
    end
    found.protocol = protocol or found.protocol
    if field then return found[field] end
    return next(found) and found
end

core.setmethod("info", info)

return {
    _VERSION = "1.2.0",
    _COPYRIGHT = core.copyright(),
    config = config,
    loadcertificate = x509.load,
    newcontext = new_context,
    wrap = wrap,
}
