-- Recursive calls through a global.
local n = math.min((tonumber(arg and arg[1]) or 35), 40)
function fib(x)
  if x < 2 then return x end
  return fib(x - 1) + fib(x - 2)
end
print(string.format("%d", fib(n)))
