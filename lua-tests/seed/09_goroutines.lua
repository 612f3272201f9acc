-- Example 9, in the section "Concurrency Features / Goroutines".
-- stdout: Running in goroutine

go(function()
    -- This runs in a separate goroutine
    print("Running in goroutine")
end)
