-- An __add function.
local n = (tonumber(arg and arg[1]) or 300) * 100000
local t = setmetatable({}, { __add = function(_, x) return x end })
local sum = 0
for i = 1, n do sum = sum + (t + i) end
print(string.format("%.14g", sum))
