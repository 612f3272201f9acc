-- Functions that call themselves often: results, errors, tracebacks, and what they see and change.

-- Several calls and returns.
local function fib(n)
  if n < 2 then return n end
  return fib(n - 1) + fib(n - 2)
end
assert(fib(20) == 6765 and fib(1.5) == 1.5)

-- A global, a field, a method.
function ackermann(m, n)
  if m == 0 then return n + 1 end
  if n == 0 then return ackermann(m - 1, 1) end
  return ackermann(m - 1, ackermann(m, n - 1))
end
assert(ackermann(2, 30) == 63)

local module = {}
function module.tak(x, y, z)
  if y >= x then return z end
  return module.tak(module.tak(x - 1, y, z), module.tak(y - 1, z, x), module.tak(z - 1, x, y))
end
assert(module.tak(12, 8, 4) == 5)

local Tree = {}
Tree.__index = Tree
local function leaf(key) return setmetatable({ key = key }, Tree) end
function Tree:insert(key)
  if key < self.key then
    if self.left then self.left:insert(key) else self.left = leaf(key) end
  elseif key > self.key then
    if self.right then self.right:insert(key) else self.right = leaf(key) end
  end
end
function Tree:sum()
  local sum = self.key
  if self.left then sum = sum + self.left:sum() end
  if self.right then sum = sum + self.right:sum() end
  return sum
end
do
  local tree, seed = setmetatable({ key = 500 }, Tree), 7
  local expected, seen = 500, { [500] = true }
  for _ = 1, 400 do
    seed = (seed * 1103 + 331) % 1009
    tree:insert(seed)
    if not seen[seed] then seen[seed], expected = true, expected + seed end
  end
  assert(tree:sum() == expected)
end

-- Locals, loops and tables are kept across calls.
do
  local count, results = 0, {}
  local function permute(list, n)
    if n == 0 then
      count = count + 1
      results[#results + 1] = table.concat(list)
      return
    end
    for i = 1, n do
      list[i], list[n] = list[n], list[i]
      permute(list, n - 1)
      list[i], list[n] = list[n], list[i]
    end
  end
  permute({ 1, 2, 3, 4, 5 }, 5)
  assert(count == 120 and results[1] == "23451" and results[120] == "12345", results[1])

  local function depth(node)
    local most = 0
    for _, child in ipairs(node) do
      local below = depth(child)
      if below > most then most = below end
    end
    for key, child in pairs(node.named or {}) do
      assert(type(key) == "string")
      most = math.max(most, depth(child))
    end
    return most + 1
  end
  local node = {}
  for i = 1, 30 do node = { {}, node, { {} }, named = { a = {}, ["b" .. i] = { { {} } } } } end
  assert(depth(node) == 33, depth(node))
end

-- More and fewer results than are expected, and open lists.
do
  local function results(n)
    if n <= 0 then return end
    if n == 1 then return 1, 2, 3 end
    local a, b = results(n - 1)
    local c = results(n - 2)
    local list = { results(n - 2) }
    local d = select("#", results(n - 3))
    if n % 3 == 0 then return a, c end
    return a, b, #list + d
  end
  local text = {}
  for n = 0, 12 do
    local a, b, c, d = results(n)
    text[#text + 1] = tostring(a) .. tostring(b) .. tostring(c) .. tostring(d)
  end
  local all = table.concat(text, " ")
  assert(all == "nilnilnilnil 123nil 120nil" .. (" 11nilnil 116nil 115nil"):rep(3) .. " 11nilnil",
    all)

  local function first(n)
    if n == 0 then return 5 end
    return (first(n - 1))
  end
  assert(first(300) == 5)
end

-- Tail calls of itself take no room.
do
  local function loop(n, sum, unused)
    assert(unused == nil)
    if n == 0 then return sum end
    if n % 2 == 0 then return loop(n - 1, sum + n) end
    return loop(n - 1, n + sum, nil)
  end
  assert(loop(100000, 0) == 5000050000)

  local function swap(a, b, n)
    if n == 0 then return a, b end
    return swap(b, a, n - 1)
  end
  local a, b = swap("x", "y", 301)
  assert(a == "y" and b == "x")
end

-- Missing and superfluous arguments.
do
  local function walk(n, list, last)
    list = list or {}
    if n == 0 then return list end
    list[#list + 1] = tostring(last)
    if n % 2 == 0 then return (walk(n - 1, list)) end
    return (walk(n - 1, list, n, "superfluous"))
  end
  local list = walk(60)
  assert(#list == 60 and list[1] == "nil" and list[2] == "nil" and list[3] == "59")
end

-- The stack grows, and is exhausted.
do
  local function deep(n)
    if n == 0 then return 0 end
    return 1 + deep(n - 1)
  end
  assert(deep(15000) == 15000)
  local function endless(n) return 1 + endless(n + 1) end
  for _ = 1, 3 do
    local ok, message = pcall(endless, 1)
    assert(not ok and message:find("stack overflow"), message)
  end
end

-- Errors from inside, with their lines and what was called.
do
  local function fails(n)
    if n == 0 then
      local t = nil
      return t.x
    end
    return 1 + fails(n - 1)
  end
  local first = debug.getinfo(fails, "S").linedefined
  for _ = 1, 5 do
    local ok, message = pcall(fails, 100)
    assert(not ok and message:find(":" .. first + 3 .. ": attempt to index local 't'"), message)
    local _, trace = xpcall(function() fails(30) end, debug.traceback)
    local _, lines = trace:gsub(":" .. first + 5 .. ": in function", "")
    assert(lines >= 10, trace)
  end
end

-- Variables that inner functions have captured.
do
  local total = 0
  local function each(n, visit)
    if n == 0 then return visit(0) end
    local mine = n
    each(n - 1, function(value)
      mine = mine + value
      total = total + 1
      return visit(mine)
    end)
    return mine
  end
  for n = 1, 40 do assert(each(n, function() end) == n * (n + 1) / 2, n) end
  assert(total == 820)

  local function closures(n)
    if n == 0 then return {} end
    local list = closures(n - 1)
    local value = n
    list[n] = function(add) value = value + add; return value end
    return list
  end
  local list = closures(50)
  for n = 1, 50 do assert(list[n](1) == n + 1 and list[n](1) == n + 2) end

  -- An inner function writes a variable of the frame that called.
  local function count(n, add)
    local sum = 0
    local function inner(value) sum = sum + value end
    if n > 0 then
      count(n - 1, inner)
      count(n - 2, inner)
    end
    add(1)
    inner(n)
    return sum
  end
  assert(count(12, function() end) == 14)
end

-- The function is another one, or is replaced meanwhile.
do
  local replaced = 0
  local f
  local function original(n)
    if n == 0 then return 0 end
    if n == 50 then
      f = function(m)
        replaced = replaced + 1
        if m == 0 then return 100 end
        return original(m - 1)
      end
    end
    return f(n - 1) + 1
  end
  f = original
  assert(f(100) == 75 and replaced == 25)
  f = original
  assert(original(49) == 49)

  -- The same code, another closure with another upvalue.
  local function make(step)
    local function down(n, other)
      if n <= 0 then return step end
      if other and n % 10 == 0 then return other(n - step) + step end
      return down(n - step, other) + step
    end
    return down
  end
  local one, two = make(1), make(2)
  local sum = 0
  for n = 1, 60 do sum = sum + one(n, two) + two(n, one) + one(n) end
  assert(sum == 5836, sum)
end

-- Mutual recursion.
do
  local is_odd
  local function is_even(n)
    if n == 0 then return true end
    return is_odd(n - 1)
  end
  function is_odd(n)
    if n == 0 then return false end
    return is_even(n - 1)
  end
  assert(is_even(1000) and not is_odd(1000) and is_odd(777))

  local text, position
  local expression
  local function factor()
    local start, stop, number = text:find("^(%d+)", position)
    if start then
      position = stop + 1
      return tonumber(number)
    end
    assert(text:sub(position, position) == "(")
    position = position + 1
    local value = expression()
    assert(text:sub(position, position) == ")")
    position = position + 1
    return value
  end
  local function term()
    local value = factor()
    while text:sub(position, position) == "*" do
      position = position + 1
      value = value * factor()
    end
    return value
  end
  function expression()
    local value = term()
    while true do
      local operator = text:sub(position, position)
      if operator == "+" then
        position = position + 1
        value = value + term()
      elseif operator == "-" then
        position = position + 1
        value = value - term()
      else
        return value
      end
    end
  end
  text = ("(1+2*3-"):rep(60) .. "1" .. (")"):rep(60)
  for _ = 1, 30 do
    position = 1
    assert(expression() == 1)
  end
end

-- Yields and coroutines inside, and a function that goes on in another one.
do
  local function walk(n)
    if n == 0 then
      coroutine.yield("end")
    else
      walk(n - 1)
      coroutine.yield(n)
      walk(n - 1)
    end
  end
  local sum, ends = 0, 0
  for value in coroutine.wrap(function() walk(7) end) do
    if value == "end" then ends = ends + 1 else sum = sum + value end
  end
  assert(sum == 247 and ends == 128, sum)

  local threads = {}
  local function nested(n)
    if n == 0 then return 1 end
    if n % 3 == 0 then
      local thread = coroutine.create(nested)
      threads[#threads + 1] = thread
      local ok, value = coroutine.resume(thread, n - 1)
      assert(ok)
      return value + 1
    end
    return nested(n - 1) + nested(n - 2 > 0 and n - 2 or 0)
  end
  local result = nested(14)
  assert(result == 323 and #threads == 80, result .. " " .. #threads)
end

-- Numbers of other kinds arrive later.
do
  local function add(n, list)
    if n == 0 then return list end
    local below = add(n - 1, list)
    if type(below) == "table" then return below end
    return below + 0.5
  end
  for _ = 1, 20 do assert(add(50, 1) == 26) end
  local list = {}
  for _ = 1, 20 do assert(add(50, list) == list) end
  for _ = 1, 20 do assert(add(50, "1") == 26) end
  assert(not pcall(add, 50, true))
  assert(add(3, 1 / 0) == 1 / 0)
end

-- Collections inside: what is only in frames is kept.
do
  local function build(n)
    if n == 0 then return {} end
    local left, right = build(n - 1), build(n - 1)
    if n % 4 == 0 then collectgarbage("step") end
    return { left, right, n = n, name = "node" .. n }
  end
  local function check(node)
    if not node.n then return 1 end
    assert(node.name == "node" .. node.n)
    return check(node[1]) + check(node[2])
  end
  assert(check(build(9)) == 512)
  collectgarbage()
end

-- A debugger sees and changes the frames.
do
  local seen = 0
  local function frames(n)
    local mine = n * 2
    if n == 0 then
      for level = 2, 20 do
        local name, value = debug.getlocal(level, 2)
        if name == "mine" then
          assert(value == (level - 1) * 2, value)
          seen = seen + 1
          debug.setlocal(level, 2, value + 1000)
        end
      end
      return 0
    end
    local below = frames(n - 1)
    return below + mine
  end
  for _ = 1, 5 do
    seen = 0
    local result = frames(30)
    assert(seen == 19 and result == 930 + 1000 * seen, result)
  end
end
