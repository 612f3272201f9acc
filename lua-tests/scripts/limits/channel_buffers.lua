-- Buffered values count towards the memory limit until they are received.
-- options: -timeout 60s -memory-limit 20
-- whole slices: millions of sends take too long with a budget of 1
local full = chan(1e8)
local ok, message = pcall(function() while true do send(full, 1) end end)
assert(not ok and message:find("not enough memory", 1, true), message)
full = nil

for _ = 1, 3 do
    local c = chan(1e6)
    for i = 1, 1e6 do send(c, i) end
    assert(collectgarbage("count") > 8000)
    for i = 1, 1e6 do assert(receive(c) == i) end
    assert(collectgarbage("count") < 18000)
end
