-- Arithmetic in a numeric for loop. Begun with 1.0 for the sake of Lua 5.4, whose integers would
-- overflow.
local n = (tonumber(arg and arg[1]) or 1200) * 100000
local sum = 0.0
for i = 1.0, n do sum = sum + i * i end
print(string.format("%.14g", sum))
