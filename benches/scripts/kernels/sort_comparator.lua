-- table.sort with a comparator in Lua.
local n = (tonumber(arg and arg[1]) or 60) * 10000
local seed, list = 17, {}
for i = 1, n do
  seed = (seed * 16807) % 2147483647
  list[i] = seed
end
table.sort(list, function(a, b) return a < b end)
local checksum = 0
for i = 1, n do checksum = (checksum * 31 + list[i]) % 1000003 end
print(string.format("%d", checksum))
