-- Resuming and yielding, a value each way.
local n = (tonumber(arg and arg[1]) or 150) * 100000
local yield = coroutine.yield
local echo = coroutine.wrap(function(x)
  while true do x = yield(x + 1) end
end)
local sum = 0
for i = 1, n do sum = sum + echo(i) end
print(string.format("%.14g", sum))
