-- Closures: counters with shared upvalues, composition, currying, folds over lists of functions.
local rounds = tonumber(arg and arg[1]) or 2500

local function counter(step)
  local count = 0
  return function() count = count + step return count end, function() count = 0 end
end

local function compose(f, g) return function(x) return f(g(x)) end end
local function curry(f) return function(a) return function(b) return f(a, b) end end end
local function map(list, f)
  local out = {}
  for i = 1, #list do out[i] = f(list[i]) end
  return out
end
local function filter(list, f)
  local out = {}
  for i = 1, #list do if f(list[i]) then out[#out + 1] = list[i] end end
  return out
end
local function fold(list, f, start)
  local value = start
  for i = 1, #list do value = f(value, list[i]) end
  return value
end

local add = curry(function(a, b) return a + b end)
local list = {}
for i = 1, 1000 do list[i] = i end

local checksum = 0
for round = 1, rounds do
  local tick, reset = counter(round)
  for i = 1, 2000 do
    if tick() > 20000 then reset() end
  end
  local steps = {}
  for i = 1, 20 do
    steps[i] = function(x) return (x * 3 + i * round) % 1009 end
  end
  local pipeline = fold(steps, compose, function(x) return x end)
  local numbers = map(filter(list, function(x) return x % 3 == round % 3 end),
    compose(pipeline, add(round)))
  checksum = (checksum
    + fold(numbers, function(a, b) return (a * 31 + b) % 1000003 end, tick())) % 1000003
end
print(string.format("%d", checksum))
