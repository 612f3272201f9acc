-- Clients of server.lua: each goroutine sends requests for a number of seconds and checks every
-- response. Prints the requests per second.

local http_port, tcp_port, clients, seconds = ...
clients, seconds = tonumber(clients), tonumber(seconds)

local function measure(name, make)
    local running, count = true, 0
    for i = 1, clients do
        go(function()
            local ask = make(i)
            while running do
                ask(count)
                count = count + 1
            end
        end)
    end
    sleep(seconds)
    running = false
    local counted = count
    wait()
    print(name .. "\t" .. counted / seconds)
end

measure("WebSocket echoes", function(i)
    local ws = assert(ws_connect("ws://127.0.0.1:" .. http_port .. "/echo"))
    return function(n)
        local message = "message " .. n
        ws.send(message)
        assert(ws.receive() == message)
    end
end)
measure("TCP echoes", function(i)
    local conn = assert(tcp_connect("127.0.0.1", tcp_port))
    return function(n)
        local message = "message " .. n
        conn.write(message)
        assert(conn.read(#message) == message)
    end
end)
measure("requests of the HTTP client", function(i)
    local url = "http://127.0.0.1:" .. http_port .. "/path/" .. i
    return function() assert(http_get(url).body == "Hello from /path/" .. i) end
end)
