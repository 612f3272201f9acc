-- The sum of a million integers, many times.
local times = tonumber(arg and arg[1]) or 100
local sum
for _ = 1, times do
  sum = 0
  for i = 1, 1000000 do sum = sum + i end
end
print(sum)
