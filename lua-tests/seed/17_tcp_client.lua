-- Example 17, in the section "Custom Functions / Network Functions / TCP Client".
-- stdout: Response: Hello, Server!

-- Before the example:
local listener = tcp_listen(8080)
go(function()
    local peer = receive(listener)
    peer.write(peer.read())
    peer.close()
    listener.close()
end)

-- The example:
-- Connect to TCP server
local conn = tcp_connect("localhost", 8080)

-- Send data
conn.write("Hello, Server!")

-- Receive response
local response = conn.read()
print("Response:", response)

-- Close connection
conn.close()
