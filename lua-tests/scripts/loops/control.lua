-- `solvm.jit`: native code is turned off and on, and freed, while it runs.
local jit = require "solvm.jit"
assert(package.loaded["solvm.jit"] == jit and rawget(_G, "jit") == nil)

local has_compiler = jit.status() ~= nil
assert(jit.on() == has_compiler)
if has_compiler then
  local status = jit.status()
  assert(status.on and status.units >= 0 and status.size >= 0)
  jit.off()
  assert(jit.status().on == false)
  assert(jit.on() and jit.status().on)
end

-- Each is called by a loop that has native code, and by a function that calls itself.
for _, change in ipairs { jit.flush, jit.off, jit.on, jit.status } do
  local sum = 0
  for i = 1, 2000 do
    sum = sum + i
    if i % 500 == 0 then change() end
  end
  assert(sum == 2001000)
  local function fib(n)
    if n < 2 then
      if n == 0 and sum < 2001200 then sum = sum + 1 change() end
      return n
    end
    return fib(n - 1) + fib(n - 2)
  end
  assert(fib(17) == 1597 and sum == 2001200)
end

-- Nothing is left after it, and loops are compiled again.
local function work()
  local sum = 0
  for i = 1, 300000 do sum = sum + i % 7 end
  return sum
end
local first = work()
jit.flush()
assert(not has_compiler or jit.status().units == 0 and jit.status().size == 0)
assert(work() == first)

-- Goroutines share it.
jit.off()
go(function() assert(work() == first) jit.flush() end)
sleep(0)
assert(work() == first)
jit.on()
