-- Reading and writing fields with constant names.
local n = (tonumber(arg and arg[1]) or 300) * 100000
local o = { x = 0, y = 1 }
for _ = 1, n do o.x = o.x + o.y end
print(string.format("%d", o.x))
