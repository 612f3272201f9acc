-- Reading and writing array elements.
local rounds = tonumber(arg and arg[1]) or 400
local t = { 0 }
for i = 2, 100000 do t[i] = i end
for _ = 1, rounds do
  for i = 2, 100000 do t[i] = t[i - 1] + 1 end
end
print(string.format("%d", t[100000]))
