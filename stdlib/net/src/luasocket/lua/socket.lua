-- socket: servers and clients in one call, and sources and sinks of sockets for ltn12.
local socket = require("socket.core")

socket.BLOCKSIZE = 2048
socket.try = socket.newtry()

function socket.connect4(address, port, local_address, local_port)
    return socket.connect(address, port, local_address, local_port, "inet")
end

function socket.connect6(address, port, local_address, local_port)
    return socket.connect(address, port, local_address, local_port, "inet6")
end

-- A server on one address.
local function serve(family, address, port, backlog)
    local create = family == "inet" and socket.tcp4 or socket.tcp6
    local server, reason = create()
    if not server then return nil, reason end
    server:setoption("reuseaddr", true)
    local ok
    ok, reason = server:bind(address, port)
    if ok then ok, reason = server:listen(backlog) end
    if ok then return server end
    server:close()
    return nil, reason
end

function socket.bind(host, port, backlog)
    if host == "*" then host = "0.0.0.0" end
    local found, reason = socket.dns.getaddrinfo(host)
    if not found then return nil, reason end
    reason = "no info on address"
    for _, place in ipairs(found) do
        local server
        server, reason = serve(place.family, place.addr, port, backlog)
        if server then return server end
    end
    return nil, reason
end

-- A function that calls one of the functions in the table, by the name that is its first argument,
-- or else "default".
function socket.choose(functions)
    return function(name, ...)
        if type(name) == "string" then
            local chosen = functions[name]
            if not chosen then error("unknown key (" .. name .. ")", 3) end
            return chosen((...), (select(2, ...)))
        end
        local chosen = functions.default
        if not chosen then error("unknown key (default)", 3) end
        return chosen(name, (...))
    end
end

-- A function that select accepts in place of its socket.
local function of_socket(sock, call)
    local methods = {
        getfd = function() return sock:getfd() end,
        dirty = function() return sock:dirty() end,
    }
    return setmetatable(methods, { __call = call })
end

local sinks, sources = {}, {}
socket.sinkt, socket.sourcet = sinks, sources

sinks["close-when-done"] = function(sock)
    return of_socket(sock, function(_, chunk)
        if chunk then return sock:send(chunk) end
        sock:close()
        return 1
    end)
end

sinks["keep-open"] = function(sock)
    return of_socket(sock, function(_, chunk)
        if chunk then return sock:send(chunk) end
        return 1
    end)
end

sinks.default = sinks["keep-open"]

sources["by-length"] = function(sock, length)
    local missing = length
    return of_socket(sock, function()
        if missing <= 0 then return nil end
        local chunk, reason = sock:receive(math.min(socket.BLOCKSIZE, missing))
        if reason then return nil, reason end
        missing = missing - #chunk
        return chunk
    end)
end

sources["until-closed"] = function(sock)
    local is_done = false
    return of_socket(sock, function()
        if is_done then return nil end
        local chunk, reason, partial = sock:receive(socket.BLOCKSIZE)
        if not reason then return chunk end
        if reason ~= "closed" then return nil, reason end
        is_done = true
        sock:close()
        return partial
    end)
end

sources.default = sources["until-closed"]

socket.sink = socket.choose(sinks)
socket.source = socket.choose(sources)

return socket
