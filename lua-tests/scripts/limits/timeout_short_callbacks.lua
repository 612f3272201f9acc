-- options: -timeout 1s
-- exit: 124
-- stderr: timed out
-- whole slices: with a budget of 1 it takes minutes to get to the point
-- Callbacks that contain neither calls nor loops are interrupted, too.
local list = {}
for i = 1, 1e6 do list[i] = i end
local function less(a, b) return a < b end
for _ = 1, 100 do
  table.sort(list, less)
  table.foreach(list, function() end)
  table.foreachi(list, function() end)
  string.gsub(("x"):rep(1e6), "x", function() end)
end
