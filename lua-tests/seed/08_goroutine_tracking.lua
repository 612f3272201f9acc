-- Example 8, in the section "Monitoring and Error Handling / Goroutine Tracking".
-- stdout: Goroutine
-- stdout: PASS

-- Before the example:
chan("hold")
go(function() receive("hold") end)
sleep(0.05)

-- The example:
local goroutines = get_goroutines()
for id, name in pairs(goroutines) do
    print("Goroutine", id, ":", name)
end

-- After the example:
local count = 0
for id, name in pairs(goroutines) do
    assert(type(id) == "number" and type(name) == "string" and name ~= "")
    count = count + 1
end
assert(count == 2)
send("hold", 1)
print("PASS")
