-- Metamethods that are Lua functions, in loops that run often.

local Vector = {}
Vector.__index = Vector
local function vector(x, y) return setmetatable({ x = x, y = y }, Vector) end
function Vector.__add(a, b) return vector(a.x + b.x, a.y + b.y) end
function Vector.__sub(a, b) return vector(a.x - b.x, a.y - b.y) end
function Vector.__mul(a, b)
  if type(a) == "number" then return vector(a * b.x, a * b.y) end
  if type(b) == "number" then return vector(a.x * b, a.y * b) end
  return a.x * b.x + a.y * b.y
end
function Vector.__div(a, b) return vector(a.x / b, a.y / b) end
function Vector.__unm(a, b)
  assert(rawequal(a, b))
  return vector(-a.x, -a.y)
end
function Vector.__eq(a, b) return a.x == b.x and a.y == b.y end
function Vector.__lt(a, b) return a.x < b.x end
function Vector.__le(a, b) return a.x <= b.x end

-- Arithmetic.
do
  local position, velocity = vector(0, 0), vector(1, 2)
  local dots = 0
  for i = 1, 300 do
    position = position + velocity * (i % 3) - 2 * vector(1, 0) / 4
    if i % 7 == 0 then position = -position end
    dots = dots + position * velocity
  end
  assert(position.x == 3 and position.y == 12)
  assert(dots == -557, dots)
end

-- Comparisons, in conditions and with jumps out of the loop.
do
  local less, less_equal, equal, not_less = 0, 0, 0, 0
  local limit = vector(150, 0)
  for i = 1, 300 do
    local v = vector(i, 0)
    if v < limit then less = less + 1 end
    if v <= limit then less_equal = less_equal + 1 end
    if v == limit then equal = equal + 1 end
    if v ~= limit then equal = equal + 1000 end
    if v == v and v ~= nil then equal = equal + 0.5 end
    if not (v < limit) then not_less = not_less + 1 end
    if not (limit <= v) then not_less = not_less + 1000 end
  end
  assert(less == 149 and less_equal == 150 and equal == 299151 and not_less == 149151)
  local v, count = vector(0, 0), 0
  while true do
    v = v + vector(1, 1)
    count = count + 1
    if v > limit then break end
  end
  assert(count == 151)
  repeat v = v - vector(1, 0) until v < vector(10, 0)
  assert(v.x == 9)
end

-- What is returned: nothing, false, several values.
do
  local results = {}
  local object = setmetatable({}, {
    __add = function(_, n)
      if n % 3 == 0 then return end
      if n % 3 == 1 then return n, "superfluous" end
      return false
    end,
    __lt = function() return nil, true end,
    __le = function() end,
    __eq = function() return "true" end,
  })
  local other = setmetatable({}, getmetatable(object))
  local wrong = 0
  for i = 1, 90 do
    results[i] = tostring(object + i)
    if object < other or object <= other or object ~= other then wrong = wrong + 1 end
  end
  assert(table.concat(results, " ", 1, 6) == "1 false nil 4 false nil" and wrong == 0)
end

-- __index: a function of a table that lacks the key, and a table that it fills.
do
  local asked = {}
  local computed = setmetatable({ own = 5, [3] = 30 }, {
    __index = function(t, key)
      asked[key] = (asked[key] or 0) + 1
      return type(key) == "number" and key * 2 or key .. "!"
    end,
  })
  local sum, texts = 0, 0
  for i = 1, 200 do
    sum = sum + computed[i % 5] + computed[3] + computed[7] + computed.own
    texts = texts + #computed.name + #computed["other" .. i % 2]
  end
  assert(sum == 40 * (0 + 2 + 4 + 30 + 8) + 200 * (30 + 14 + 5), sum)
  assert(asked[7] == 200 and asked[3] == nil and asked[1] == 40 and asked.name == 200)
  assert(texts == 200 * (5 + 7))

  local made = 0
  local squares = setmetatable({}, {
    __index = function(t, key)
      local square = key * key
      rawset(t, key, square)
      made = made + 1
      return square
    end,
  })
  local total = 0
  for i = 1, 500 do total = total + squares[i % 20] end
  assert(made == 20 and total == 25 * 2470)

  -- The target is the table itself.
  local chain = setmetatable({}, { __index = function(t, key) return t end })
  local t = chain
  for i = 1, 100 do
    t = t[i]
    t = t.field
  end
  assert(t == chain)
end

-- Errors inside have the interpreter's messages and tracebacks; values are kept.
do
  local strict = setmetatable({}, {
    __index = function(_, key)
      if key == "bad" then error("no field " .. key) end
      return 1
    end,
    __add = function(a, b)
      if b > 250 then return b.field end
      return b
    end,
    __lt = function(a, b) error({ "an object" }) end,
  })
  local first = debug.getinfo(1, "l").currentline
  local i, sum = 0, 0
  local function run(limit, key)
    for n = 1, limit do
      i = n
      sum = sum + strict.x + (strict + n)
      if n == 240 and key then sum = sum + strict[key] end
      if n == 245 and not key then return strict < strict end
    end
  end
  local ok, message = pcall(run, 300, "bad")
  assert(not ok and message:find(":" .. first - 9 .. ": no field bad$"), message)
  assert(i == 240)
  ok, message = pcall(run, 244, "x")
  assert(ok)
  ok, message = pcall(run, 300, "y")
  assert(not ok and message:find(":" .. first - 5 .. ": attempt to index local 'b' "
    .. "%(a number value%)"), message)
  ok, message = pcall(run, 300)
  assert(not ok and type(message) == "table" and message[1] == "an object" and i == 245)
  local _, trace = xpcall(function() run(300, "bad") end, debug.traceback)
  assert(trace:find(":" .. first + 6 .. ": in function", 1, true), trace)
end

-- Metamethods are replaced, metatables change, operands are of other kinds.
do
  local meta = { __add = function(a, b) return 1 end, __index = function() return 1 end }
  local object = setmetatable({}, meta)
  local sum = 0
  for i = 1, 300 do
    if i == 100 then meta.__add = function(a, b) return 2 end end
    if i == 150 then meta.__index = { x = 10 } end
    if i == 200 then meta.__add, meta.__index = nil, nil end
    if i == 200 then meta.__sub, object.x = 5, 3 end
    if i == 200 then setmetatable(object, { __add = function(a, b) return 100 end }) end
    sum = sum + (object + i) + object.x
  end
  assert(sum == 99 + 100 * 2 + 101 * 100 + 149 + 50 * 10 + 101 * 3, sum)

  local values = { 1, "2", vector(3, 4), 5, vector(1, 1) }
  local x = 0
  for i = 1, 200 do
    local value = values[i % #values + 1]
    local double = value * 2
    x = x + (type(double) == "table" and double.x or double)
  end
  assert(x == 40 * (2 + 4 + 6 + 10 + 2), x)

  debug.setmetatable(1, { __add = function(a, b) return "number" end })
  local text
  for i = 1, 100 do text = 1 + vector(i, 2) end
  debug.setmetatable(1, nil)
  assert(text == "number")
end

-- Yields, collections, and captured variables inside.
do
  local seen = 0
  local object = setmetatable({}, {
    __add = function(a, b)
      seen = seen + 1
      if b % 10 == 0 then coroutine.yield(b) end
      return { b }
    end,
  })
  local sum, yields = 0, 0
  local thread = coroutine.wrap(function()
    for i = 1, 100 do
      sum = sum + (object + i)[1]
      if i % 25 == 0 then collectgarbage() end
    end
  end)
  for value in thread do yields = yields + value end
  assert(sum == 5050 and yields == 550 and seen == 100)
end

-- Metamethods that call themselves, each other, and functions that do.
do
  local Node = {}
  Node.__index = Node
  local function node(value, left, right)
    return setmetatable({ value = value, left = left, right = right }, Node)
  end
  Node.__add = function(a, b)
    if not b.left then return node(a.value + b.value) end
    return (a + b.left) + b.right
  end
  Node.__lt = function(a, b)
    if a.left then return a.left < b end
    return a.value < b.value
  end
  local function tree(n)
    if n == 0 then return node(1) end
    return node(n, tree(n - 1), tree(n - 1))
  end
  local big, total = tree(6), 0
  for i = 1, 30 do
    total = total + (node(i) + big).value
    if big < node(i) then total = total + 1000 end
  end
  assert(total == 465 + 30 * 64 + 29000, total)
end
