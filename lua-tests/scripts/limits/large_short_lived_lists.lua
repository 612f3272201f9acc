-- whole slices: this tests the speed of the collector relative to the program
-- Marking keeps up with a program that creates large lists in every round.
collectgarbage()
local most = 0
for _ = 1, 60 do
  local list = {}
  for i = 1, 130000 do list[i] = i end
  most = math.max(most, collectgarbage("count"))
end
assert(most < 24 * 1024, most .. " KB")
