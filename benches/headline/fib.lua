-- The 20th Fibonacci number by recursion, many times.
local times = tonumber(arg and arg[1]) or 1500
local function fib(n)
  if n < 2 then return n end
  return fib(n - 1) + fib(n - 2)
end
local result
for _ = 1, times do result = fib(20) end
print(result)
