-- Example 16, in the section "Custom Functions / Network Functions / TCP Server".
-- Talked to by `.ci/seed-examples`.

-- Create TCP server
local server = tcp_listen(8080)

-- Handle incoming connections
go(function()
    while true do
        local conn = receive(server)
        if conn then
            go(function()
                while true do
                    local data = conn.read()
                    if data then
                        print("Received:", data)
                        conn.write("Echo: " .. data)
                    else
                        break
                    end
                end
                conn.close()
            end)
        end
    end
end)
