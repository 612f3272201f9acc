-- options: -timeout 1s -memory-limit 256
-- exit: 124
-- stderr: timed out
-- whole slices: with a budget of 1 it takes minutes to get to the point
-- Sorting strings with long common prefixes, and replacements with many parts, charge for their
-- bytes.
local prefix, list = ("x"):rep(1e5), {}
for i = 1, 100 do list[i] = prefix .. i end
while true do
  pcall(table.sort, list)
  pcall(string.gsub, ("x"):rep(1e4), "x", ("%%"):rep(1e4))
end
