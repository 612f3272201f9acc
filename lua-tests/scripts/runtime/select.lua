-- stdout: both meanings
-- select of channels: values, names, fairness, closing, waiting; and Lua's own select.
assert(select("#", 1, nil, 3) == 3 and select("2", "a", "b") == "b" and select(-1, "a", "b") == "b")
chan("a", 10)
local b = chan("b", 10)

send("b", "from b")
local value, name = select("a", "b")
assert(value == "from b" and name == "b")
send(b, "again")
value, name = select("a", b)
assert(value == "again" and name == b)

-- fair among those that are ready
for _ = 1, 10 do send("a", 1) send("b", 2) end
local seen = { a = 0, b = 0 }
for _ = 1, 10 do
  local _, from = select("a", "b")
  seen[from] = seen[from] + 1
end
assert(seen.a + seen.b == 10)
for _ = 1, 10 do select("a", "b") end

-- waits
go(function() sleep(0.005) send("a", "late") end)
value, name = select("b", "a")
assert(value == "late" and name == "a")

-- the end of a channel is reported once; then it is ignored, and in the end the goroutine is ended
local told = {}
go(function()
  while true do
    local v, from = select("a", "b")
    told[#told + 1] = tostring(v) .. " " .. tostring(from)
  end
end)
sleep(0)
close_channel("a")
sleep(0)
send("b", "alive")
sleep(0)
close_channel("b")
wait()
assert(table.concat(told, ", ") == "nil a, alive b, nil b", table.concat(told, ", "))

-- without a sender, the deadlock rule applies
chan("silent")
go(function()
  local v, reason = select("silent")
  assert(v == nil and reason == "deadlock")
end)
wait()

assert(not pcall(select, "no such channel") and not pcall(select, {})
  and not pcall(select, "silent", 1))
print("both meanings")
