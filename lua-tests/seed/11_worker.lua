-- Example 11, in the section "Concurrency Features / Example".
-- stdout: PASS

-- The example:
-- Create channels
chan("numbers", 5)
chan("results", 5)

-- Spawn a worker
go(function()
    while true do
        local num = receive("numbers")
        if num == nil then break end
        send("results", num * 2)
    end
end)

-- Send and receive
send("numbers", 42)
local result = receive("results")

-- After the example:
assert(result == 84)
print("PASS")
