-- Example 4, in the section "Server Features / Server Control".
-- stdout: PASS

-- Before the example:
create_server("http_server", 8080, false)

-- The example:
-- Start server
start_server("http_server")

-- Stop server
stop_server("http_server")

-- After the example:
print("PASS")
