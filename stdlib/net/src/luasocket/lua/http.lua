-- socket.http: a client for HTTP/1.1, each of whose requests has its own connection.
local socket = require("socket")
local url = require("socket.url")
local ltn12 = require("ltn12")
local mime = require("mime")
local canonic = require("socket.headers").canonic

local http = { TIMEOUT = 60, USERAGENT = socket._VERSION }
socket.http = http

-- How sockets for a scheme are made. The function gets the request.
local SCHEMES = {
    http = {
        port = 80,
        create = function() return socket.tcp end,
    },
    https = {
        port = 443,
        create = function(request) return require("ssl.https").tcp(request) end,
    },
}
http.schemes = SCHEMES

-- Header fields.

local function receive_headers(sock, fields)
    fields = fields or {}
    local line, reason = sock:receive()
    if reason then return nil, reason end
    while line ~= "" do
        local name, value = string.match(line, "^(.-):%s*(.*)")
        if not name then return nil, "malformed reponse headers" end
        name = string.lower(name)
        line, reason = sock:receive()
        if reason then return nil, reason end
        -- A line that begins with a blank continues the field.
        while string.find(line, "^%s") do
            value = value .. line
            line, reason = sock:receive()
            if reason then return nil, reason end
        end
        fields[name] = fields[name] and fields[name] .. ", " .. value or value
    end
    return fields
end

-- Bodies in chunks.

local function of_socket(sock, call)
    local methods = {
        getfd = function() return sock:getfd() end,
        dirty = function() return sock:dirty() end,
    }
    return setmetatable(methods, { __call = call })
end

socket.sourcet["http-chunked"] = function(sock, fields)
    return of_socket(sock, function()
        local line, reason = sock:receive()
        if reason then return nil, reason end
        local size = tonumber((string.gsub(line, ";.*", "")), 16)
        if not size then return nil, "invalid chunk size" end
        if size == 0 then
            fields, reason = receive_headers(sock, fields)
            return nil, reason
        end
        local chunk
        chunk, reason = sock:receive(size)
        if chunk then sock:receive() end
        return chunk, reason
    end)
end

socket.sinkt["http-chunked"] = function(sock)
    return of_socket(sock, function(_, chunk)
        if not chunk then return sock:send("0\r\n\r\n") end
        return sock:send(string.format("%X\r\n", #chunk) .. chunk .. "\r\n")
    end)
end

-- Connections.

local Connection = {}
Connection.__index = Connection

function http.open(host, port, create)
    local sock = socket.try(create())
    local connection = setmetatable({ c = sock }, Connection)
    connection.try = socket.newtry(function() connection:close() end)
    connection.try(sock:settimeout(http.TIMEOUT))
    connection.try(sock:connect(host, port))
    return connection
end

function Connection:close()
    return self.c:close()
end

function Connection:sendrequestline(method, uri)
    return self.try(self.c:send((method or "GET") .. " " .. uri .. " HTTP/1.1\r\n"))
end

function Connection:sendheaders(fields)
    local lines = {}
    for name, value in pairs(fields) do
        lines[#lines + 1] = (canonic[name] or name) .. ": " .. value .. "\r\n"
    end
    lines[#lines + 1] = "\r\n"
    self.try(self.c:send(table.concat(lines)))
    return 1
end

function Connection:sendbody(fields, source, step)
    source = source or ltn12.source.empty()
    local mode = fields["content-length"] and "keep-open" or "http-chunked"
    return self.try(ltn12.pump.all(source, socket.sink(mode, self.c), step or ltn12.pump.step))
end

-- Returns the code and the line. Without a status line, as servers of HTTP/0.9 answer, it returns
-- nil and the first bytes of the body.
function Connection:receivestatusline()
    local start, reason = self.try(self.c:receive(5))
    if start ~= "HTTP/" then
        if reason == "timeout" then return 408 end
        return nil, start
    end
    local line = self.try(self.c:receive("*l", start))
    local code = string.match(line, "^HTTP/%d*%.%d* (%d%d%d)")
    return self.try(tonumber(code), line)
end

function Connection:receiveheaders()
    return self.try(receive_headers(self.c))
end

function Connection:receivebody(fields, sink, step)
    local length = tonumber(fields["content-length"])
    local encoding = fields["transfer-encoding"]
    local mode = "default"
    if encoding and encoding ~= "identity" then
        mode = "http-chunked"
    elseif length then
        mode = "by-length"
    end
    -- A body in chunks may be followed by more fields.
    local source = socket.source(mode, self.c, mode == "http-chunked" and fields or length)
    sink = sink or ltn12.sink.null()
    return self.try(ltn12.pump.all(source, sink, step or ltn12.pump.step))
end

function Connection:receive09body(start, sink, step)
    local source = ltn12.source.rewind(socket.source("until-closed", self.c))
    source(start)
    return self.try(ltn12.pump.all(source, sink, step or ltn12.pump.step))
end

-- Requests.

local function authorization(user, password)
    return "Basic " .. mime.b64(user .. ":" .. password)
end

-- What is requested: a path; from a proxy, the URL.
local function request_uri(request)
    if request.proxy or http.PROXY then return url.build(request) end
    return url.build({
        path = socket.try(request.path, "invalid path 'nil'"),
        params = request.params,
        query = request.query,
    })
end

local function request_headers(request)
    local host = request.host
    if string.find(host, ":", 1, true) then host = "[" .. host .. "]" end
    if tostring(request.port) ~= tostring(SCHEMES[request.scheme].port) then
        host = host .. ":" .. request.port
    end
    local fields = {
        ["user-agent"] = http.USERAGENT,
        host = host,
        connection = "close, TE",
        te = "trailers",
    }
    if request.user and request.password then
        local user, password = url.unescape(request.user), url.unescape(request.password)
        fields.authorization = authorization(user, password)
    end
    local proxy = request.proxy or http.PROXY
    proxy = proxy and url.parse(proxy)
    if proxy and proxy.user and proxy.password then
        fields["proxy-authorization"] = authorization(proxy.user, proxy.password)
    end
    for name, value in pairs(request.headers or {}) do fields[string.lower(name)] = value end
    return fields
end

local DEFAULT = { path = "/", scheme = "http" }

-- A request with everything that it leaves open.
local function complete(given)
    local request = given.url and socket.try(url.parse(given.url, DEFAULT)) or {}
    for key, value in pairs(given) do request[key] = value end
    local scheme = socket.try(
        SCHEMES[request.scheme], "unknown scheme '" .. tostring(request.scheme) .. "'")
    if not request.host or request.host == "" then
        socket.try(nil, "invalid host '" .. tostring(request.host) .. "'")
    end
    request.create = request.create or scheme.create(request)
    if not request.port or request.port == "" then request.port = scheme.port end
    if not request.method or request.method == "" then request.method = "GET" end
    request.uri = given.uri or request_uri(request)
    request.headers = request_headers(request)
    local fields = request.headers
    if request.source and not (fields["content-length"] or fields["transfer-encoding"]) then
        fields["transfer-encoding"] = "chunked"
    end
    local proxy = request.proxy or http.PROXY
    if proxy then
        proxy = url.parse(proxy)
        request.host, request.port = proxy.host, proxy.port or 3128
    end
    return request
end

local REDIRECTS = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }

-- Where a response redirects the request to, if it is to be followed.
local function redirection(request, code, fields)
    local location = fields.location and string.gsub(fields.location, "%s", "")
    if not location or location == "" or not REDIRECTS[code] then return nil end
    if request.redirect == false or request.source then return nil end
    if request.method ~= "GET" and request.method ~= "HEAD" then return nil end
    local scheme = url.parse(location).scheme
    if scheme and not SCHEMES[scheme] then return nil end
    -- What was requested in secret is not requested in public.
    if request.scheme == "https" and scheme and scheme ~= "https" then return nil end
    local limit = request.maxredirects
    if limit ~= false and (request.nredirects or 0) >= (limit or 5) then return nil end
    return location
end

local function has_body(request, code)
    return request.method ~= "HEAD" and code ~= 204 and code ~= 304 and code >= 200
end

local perform

local function redirect(given, request, location)
    local target = url.absolute(given.url or url.build(request), location)
    local is_same = url.parse(target).scheme == request.scheme
    local result, code, fields, status = perform({
        url = target,
        method = given.method,
        sink = given.sink,
        step = given.step,
        headers = given.headers,
        proxy = given.proxy,
        maxredirects = given.maxredirects,
        nredirects = (given.nredirects or 0) + 1,
        create = is_same and given.create or nil,
    })
    fields = fields or {}
    fields.location = fields.location or location
    return result, code, fields, status
end

function perform(given)
    local request = complete(given)
    local connection = http.open(request.host, request.port, request.create)
    connection:sendrequestline(request.method, request.uri)
    connection:sendheaders(request.headers)
    if request.source then connection:sendbody(request.headers, request.source, request.step) end
    local code, status = connection:receivestatusline()
    if not code then
        connection:receive09body(status, request.sink or ltn12.sink.null(), request.step)
        return 1, 200
    end
    if code == 408 and not status then return 1, code end
    while code == 100 do
        connection:receiveheaders()
        code, status = connection:receivestatusline()
    end
    local fields = connection:receiveheaders()
    local location = redirection(request, code, fields)
    if location then
        connection:close()
        return redirect(given, request, location)
    end
    if has_body(request, code) then
        connection:receivebody(fields, request.sink, request.step)
    end
    connection:close()
    return 1, code, fields, status
end

-- A request for a URL whose response is collected in the table `target`; with a body it is posted
-- as a form.
function http.genericform(address, body)
    local chunks = {}
    local request = { url = address, sink = ltn12.sink.table(chunks), target = chunks }
    if body then
        request.method = "POST"
        request.source = ltn12.source.string(body)
        request.headers = {
            ["content-length"] = #body,
            ["content-type"] = "application/x-www-form-urlencoded",
        }
    end
    return request
end

http.request = socket.protect(function(given, body)
    if type(given) ~= "string" then return perform(given) end
    local request = http.genericform(given, body)
    local _, code, fields, status = perform(request)
    return table.concat(request.target), code, fields, status
end)

return http
