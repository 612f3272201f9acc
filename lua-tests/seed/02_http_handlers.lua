-- Example 2, in the section "Server Features / HTTP Handlers".
-- Talked to by `.ci/seed-examples`.

-- Before the example:
create_server("http_server", 8080, false)

-- The example:
handle_http("http_server", "/", function(req)
    -- Access request details
    print("Method:", req.method)
    print("Path:", req.path)
    print("Query:", req.query)
    print("Headers:", req.headers)

    -- Return response
    return {
        status = 200,
        headers = {
            ["Content-Type"] = "application/json"
        },
        body = json_encode({
            message = "Hello from SolVM!"
        })
    }
end)

-- After the example:
start_server("http_server")
