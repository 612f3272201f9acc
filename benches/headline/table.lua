-- A table of 100,000 numbers inserted and summed, many times.
local times = tonumber(arg and arg[1]) or 160
local sum
for _ = 1, times do
  local numbers = {}
  for i = 1, 100000 do table.insert(numbers, i) end
  sum = 0
  for i = 1, #numbers do sum = sum + numbers[i] end
end
print(sum)
