-- A hundred thousand coroutines and goroutines, each of which runs repeatedly. Stacks are written
-- without barriers, so the collector scans those that ran again.
local COUNT = 100000
local coroutines = {}
for i = 1, COUNT do
  coroutines[i] = coroutine.wrap(function()
    local kept = {}
    while true do
      kept = { i, kept[1] }
      coroutine.yield()
    end
  end)
  coroutines[i]()
end
collectgarbage()
begin()
repeat
  for i = 1, COUNT, 20 do
    for j = i, i + 19 do coroutines[j]() end
    piece()
  end
until cycles() >= 4
report("100,000 coroutines in turn")

coroutines = nil
collectgarbage()
local gates = {}
for i = 1, COUNT do
  local gate = chan()
  gates[i] = gate
  go(function()
    local kept = {}
    while true do
      kept = { receive(gate), kept[1] }
    end
  end)
end
sleep(0)
collectgarbage()
begin()
repeat
  for i = 1, COUNT, 20 do
    for j = i, i + 19 do send(gates[j], i) end
    piece()
  end
until cycles() >= 4
report("100,000 goroutines, each with a channel")

-- One thread whose stack is as deep as it may be.
gates = nil
local function down(depth, a, b, c, d)
  if depth > 0 then
    local result = down(depth - 1, a, b, c, d)
    return result
  end
  begin()
  repeat
    local garbage
    for _ = 1, 50 do garbage = { garbage } end
    piece()
  until cycles() >= 20
  report("below 180,000 calls")
end
down(180000, {}, {}, {}, {})
os.exit(0)
