-- The same services as the other programs of this directory: a response built from the path. And
-- echoes.

create_server("s", 0, { host = "127.0.0.1" })
handle_http("s", "/*", function(req)
    return "Hello from " .. req.path
end)
handle_ws("s", "/echo", function(ws)
    while true do
        local message = ws.receive()
        if not message then break end
        ws.send(message)
    end
end)
local listener = tcp_listen(0, { host = "127.0.0.1" })
go(function()
    while true do
        local conn = receive(listener)
        go(function()
            while true do
                local data = conn.read()
                if not data then break end
                conn.write(data)
            end
            conn.close()
        end)
    end
end)
print(start_server("s"), listener.port)
io.stdout:flush()
