-- What machine code relies on changes while it runs: where globals, inherited fields and upvalues
-- are, and which fields are absent.

-- Runs a loop of 3,000 rounds; `change` is called in some of them, and by natives.
local function count(body, change)
  local sum = 0
  for i = 1, 3000 do
    sum = sum + body(i)
    if i % 1000 == 0 then pcall(change, i / 1000) end
  end
  return sum
end

-- Globals move when others are made, by a native inside the loop.
do
  function step(i) return i % 2 end
  local sum = 0
  for i = 1, 3000 do
    sum = sum + step(i)
    if i > 1500 then rawset(_G, "made_" .. i % 200, i) end
    if i == 2500 then rawset(_G, "step", function() return 10 end) end
  end
  assert(sum == 1250 + 500 * 10)
  for i = 0, 199 do rawset(_G, "made_" .. i, nil) end
  step = nil
end

-- The environment of a called function is replaced.
do
  value = 1
  local function read() return value end
  local environments = { { value = 10 }, { value = 100 }, { value = 1000 } }
  local sum = count(read, function(turn) setfenv(read, environments[turn]) end)
  assert(sum == 1000 + 10000 + 100000)
  setfenv(read, _G)
  sum = 0
  for i = 1, 2000 do
    sum = sum + read()
    if i == 1000 then setfenv(read, environments[1]) end
  end
  assert(sum == 1000 + 10000)
  value = nil
end

-- A class gets more fields, another method, another base; an object gets the method itself.
do
  local Base = { size = function() return 1 end }
  Base.__index = Base
  local Class = setmetatable({}, Base)
  Class.__index = Class
  local object = setmetatable({}, Class)
  local function size() return object:size() end
  local function change(turn)
    if turn == 1 then
      for i = 1, 50 do rawset(Base, "field" .. i, i) end
      rawset(Base, "size", function() return 10 end)
    elseif turn == 2 then
      rawset(Class, "size", function() return 100 end)
    end
  end
  assert(count(size, change) == 1000 + 10000 + 100000)
  Class.size = nil
  local sum = 0
  for i = 1, 3000 do
    sum = sum + object:size()
    if i == 1000 then setmetatable(Class, { __index = { size = function() return 1000 end } }) end
    if i == 2000 then rawset(object, "size", function() return 10000 end) end
  end
  assert(sum == 1000 * 10 + 1000 * 1000 + 1000 * 10000)
end

-- A metatable gets another metamethod, and then more keys.
do
  local metatable = { __add = function() return 1 end }
  local object = setmetatable({}, metatable)
  local sum = 0
  for i = 1, 3000 do
    sum = sum + (object + i)
    if i == 1000 then rawset(metatable, "__add", function() return 10 end) end
    if i == 2000 then
      for j = 1, 50 do rawset(metatable, j .. "", j) end
      rawset(metatable, "__add", nil)
      rawset(metatable, "__add", function() return 100 end)
    end
  end
  assert(sum == 1000 + 10000 + 100000)
end

-- An upvalue of a called function is closed when the block of its variable ends, and others have
-- their own.
do
  local total = 0
  for round = 1, 20 do
    local add
    do
      local inner = round
      add = function(x) inner = inner + x return inner end
      for i = 1, 50 do total = total + add(i) end
    end
    for i = 1, 50 do total = total + add(-i) end
  end
  assert(total == 100 * 210 + 20 * 50 * 1275)
end

-- The stack moves while variables in it are used by a called function.
do
  local sum = 0
  local function add(x) sum = sum + x return sum end
  local function deep(n) if n == 0 then return 0 end return 1 + deep(n - 1) end
  local depths = 0
  for i = 1, 600 do
    add(1)
    if i % 100 == 0 then depths = depths + select(2, pcall(deep, i * 20)) end
    add(1)
  end
  assert(sum == 1200 and depths == 20 * (100 + 200 + 300 + 400 + 500 + 600))
end

-- A collection by a native inside the loop.
do
  local names = setmetatable({}, { __mode = "k" })
  local Class = { __index = { get = function(self) return self.value end } }
  local sum = 0
  for i = 1, 2000 do
    local object = setmetatable({ value = 1 }, Class)
    names[object] = i
    sum = sum + object:get()
    if i % 500 == 0 then collectgarbage() end
  end
  assert(sum == 2000)
end
