-- Example 19, in the section "Custom Functions / Network Functions / DNS Resolution".
-- stdout: IP address: 192.0.2.7

-- Resolve hostname to IP
local ip = resolve_dns("example.com")
print("IP address:", ip)
