-- A protected call that succeeds.
local n = (tonumber(arg and arg[1]) or 200) * 100000
local pcall = pcall
local function f(x) return x end
local sum = 0
for i = 1, n do
  local _, x = pcall(f, i)
  sum = sum + x
end
print(string.format("%.14g", sum))
