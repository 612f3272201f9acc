-- Example 23, in the section "HTTP Client / Custom HTTP Requests".
-- Talked to by `.ci/seed-examples`.
-- stdout: PASS

-- The example:
-- Custom request with headers
local headers = {
    ["Authorization"] = "Bearer token",
    ["Content-Type"] = "application/json"
}
local response = http_request("GET", "https://api.example.com/data", nil, headers)

-- After the example:
assert(response.status == 200 and response.body == '{"answer":42}')
print("PASS")
