-- Calls inside loops of several functions, and of several closures of one function.
local function adder(n) return function(x) return x + n end end
local function counter()
  local count = 0
  return function(x) count = count + 1 return x + count end
end
local makers = {
  function(n) return function(x) return x * n end end,
  adder,
  counter,
  function(n)
    return function(x, y) return y == nil and x - n or error("too many arguments") end
  end,
  function() return function(...) return select("#", ...) end end,
  function() return math.abs end,
}

-- The same functions, called by a loop that becomes machine code and without one.
local function apply(functions, rounds)
  local sum = 0
  for round = 1, rounds do
    for i = 1, #functions do sum = (sum + functions[i](round)) % 1000003 end
  end
  return sum
end
local function apply_slowly(functions, rounds)
  local sum = 0
  local function step(round, i)
    if round > rounds then return end
    sum = (sum + functions[i](round)) % 1000003
    if i == #functions then return step(round + 1, 1) end
    return step(round, i + 1)
  end
  step(1, 1)
  return sum
end

for kinds = 1, #makers do
  for same = 1, 3 do
    local function list()
      local functions = {}
      for i = 1, kinds do
        for n = 1, same do functions[#functions + 1] = makers[i](n) end
      end
      return functions
    end
    assert(apply(list(), 200) == apply_slowly(list(), 200), kinds .. " " .. same)
  end
end

-- A closure that is made again each time, called where the last one was.
local total = 0
for round = 1, 200 do
  local tick, add = counter(), adder(round)
  for i = 1, 20 do
    total = total + tick(0) - add(-round)
    if i == 10 and round % 50 == 0 then add = tick end
  end
end
local again = 0
for round = 1, 200 do
  local count, added = 0, round
  for i = 1, 20 do
    count = count + 1
    again = again + count
    if added then
      again = again - (-round + added)
    else
      count = count + 1
      again = again - (-round + count)
    end
    if i == 10 and round % 50 == 0 then added = nil end
  end
end
assert(total == again)

-- Each closure has its own variables, and what it changes is seen where the loop has left.
local cells = {}
for i = 1, 8 do
  local value = 0
  cells[i] = {
    set = function(x) value = x end,
    get = function() return value end,
  }
end
for round = 1, 100 do
  for i = 1, #cells do cells[i].set({ round, i }) end
  for i = 1, #cells do
    local value = cells[i].get()
    assert(value[1] == round and value[2] == i)
  end
  if round % 25 == 0 then collectgarbage() end
end

-- The environment is each function's own.
local function in_environment(n)
  return setfenv(function() return answer end, { answer = n })
end
local environments = {}
for i = 1, 6 do environments[i] = in_environment(i) end
for round = 1, 200 do
  for i = 1, #environments do assert(environments[i]() == i) end
end
