-- Example 1, in the section "Server Features / Creating Servers".
-- Talked to by `.ci/seed-examples`.
-- stdout: READY

-- The example:
-- Create HTTP server
create_server("http_server", 8080, false)

-- Create HTTPS server
create_server("https_server", 8443, true, "cert.pem", "key.pem")

-- After the example:
start_server("http_server")
start_server("https_server")
print("READY")
