-- Calling a native function.
local n = (tonumber(arg and arg[1]) or 350) * 100000
local floor = math.floor
local sum = 0
for i = 1, n do sum = sum + floor(i / 3) end
print(string.format("%.14g", sum))
