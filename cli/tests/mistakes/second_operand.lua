local t = {x = 1}
local x = 2
print(x * x + t.x + t.y)
