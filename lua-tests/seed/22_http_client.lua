-- Example 22, in the section "HTTP Client / Basic HTTP Methods".
-- Talked to by `.ci/seed-examples`.
-- stdout: Status: 200
-- stdout: Body: {"answer":42}
-- stdout: PASS

-- The example:
-- GET request
local response = http_get("https://api.example.com/data")
print("Status:", response.status)
print("Body:", response.body)

-- POST request with JSON
local data = {
    name = "test",
    value = 42
}
local json_data = json_encode(data)
local response = http_post("https://api.example.com/data", json_data)

-- PUT request
local response = http_put("https://api.example.com/data", json_data)

-- DELETE request
local response = http_delete("https://api.example.com/data")

-- After the example:
assert(response.status == 200 and response.headers["content-type"])
print("PASS")
