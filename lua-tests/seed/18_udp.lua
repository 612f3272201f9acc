-- Example 18, in the section "Custom Functions / Network Functions / UDP".
-- Talked to by `.ci/seed-examples`.

-- Send UDP message
udp_sendto("localhost", 8080, "Hello, UDP!")

-- Receive UDP messages
local udp = udp_recvfrom(8080)
while true do
    local msg = udp.receive()
    if msg then
        print("Received from", msg.addr, ":", msg.data)
    end
end
