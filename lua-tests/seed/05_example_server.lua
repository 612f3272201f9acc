-- Example 5, in the section "Server Features / Example Server".
-- Talked to by `.ci/seed-examples`.

-- Create and configure server
create_server("my_server", 8080, false)

-- Handle HTTP requests
handle_http("my_server", "/", function(req)
    return {
        status = 200,
        body = "Hello World!"
    }
end)

-- Handle WebSocket connections
handle_ws("my_server", "/ws", function(ws)
    ws.send("Connected!")
    while true do
        local msg = ws.receive()
        if msg then
            ws.send("Echo: " .. msg)
        end
    end
end)

-- Start server
start_server("my_server")
