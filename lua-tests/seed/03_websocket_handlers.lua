-- Example 3, in the section "Server Features / WebSocket Handlers".
-- Talked to by `.ci/seed-examples`.

-- Before the example:
create_server("http_server", 8080, false)

-- The example:
handle_ws("http_server", "/ws", function(ws)
    -- Send message
    ws.send("Hello client!")

    -- Receive message
    local message = ws.receive()
    print("Received:", message)
end)

-- After the example:
start_server("http_server")
