-- An __lt function, in a condition.
local n = (tonumber(arg and arg[1]) or 120) * 100000
local meta = { __lt = function(a, b) return a.value < b.value end }
local a, b = setmetatable({ value = 0 }, meta), setmetatable({ value = n / 2 }, meta)
local count = 0
for i = 1, n do
  a.value = i
  if a < b then count = count + 1 end
end
print(string.format("%d", count))
