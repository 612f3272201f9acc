-- Example 24, in the section "HTTP Client / Error Handling".
-- stdout: HTTP Error:
-- stdout: PASS

-- The example:
on_error(function(err)
    print("HTTP Error:", err)
end)

-- After the example:
assert(http_get("http://127.0.0.1:1/") == nil)
print("PASS")
