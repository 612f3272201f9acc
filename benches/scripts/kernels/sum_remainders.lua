-- Arithmetic with a constant operand and `%`.
local n = (tonumber(arg and arg[1]) or 600) * 100000
local sum = 0
for i = 1, n do sum = sum + i * i % 7 end
print(string.format("%.14g", sum))
