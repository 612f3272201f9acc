-- The generic `for` in code that runs often.

local list, map = {}, {}
for i = 1, 100 do list[i], map["k" .. i] = i, i end

-- With all kinds of generators, in a loop around them and as the loop itself.
local function sum_of(t) local sum = 0 for _, v in pairs(t) do sum = sum + v end return sum end
local function indices(t) local sum = 0 for i in ipairs(t) do sum = sum + i end return sum end
local function third(t) for k, v, nothing in pairs(t) do assert(nothing == nil) return v end end
for i = 1, 30 do
  assert(sum_of(list) == 5050 and sum_of(map) == 5050 and sum_of({}) == 0)
  assert(indices(list) == 5050 and indices({}) == 0 and third(list) == 1)
  local sum = 0
  for k, v in next, list do sum = sum + k + v end
  assert(sum == 10100)
end

-- Entries that are changed and removed while the loop goes on, and holes.
do
  local t = {}
  for i = 1, 200 do t[i], t["k" .. i] = i, i end
  local seen = 0
  for k, v in pairs(t) do
    seen = seen + 1
    t[k] = v % 2 == 0 and v * 2 or nil
  end
  local left = 0
  for k, v in pairs(t) do left = left + 1 assert(v % 4 == 0) end
  assert(seen == 400 and left == 200)
  local holes = {}
  for i = 1, 100 do holes[i] = i % 7 ~= 0 and i or nil end
  local count = 0
  for i = 1, 20 do
    for k in pairs(holes) do count = count + 1 end
    for k in ipairs(holes) do count = count + 1 end
  end
  assert(count == 20 * (86 + 6), count)
  -- A list whose end is in the hash part, and one that grows.
  local mixed = { 1, 2, 3 }
  for i = 10, 4, -1 do mixed[i] = i end
  local sum = 0
  for i = 1, 20 do for _, v in ipairs(mixed) do sum = sum + v end end
  assert(sum == 1100)
  local growing = { 1 }
  for i, v in ipairs(growing) do if i < 300 then growing[i + 1] = v + 1 end end
  assert(#growing == 300)
end

-- Keys and values of several types.
do
  local t = { 1, "two", true, x = 3, [1.5] = "y", [{}] = 4 }
  local counts = {}
  for i = 1, 40 do
    for k, v in pairs(t) do
      counts[type(k)] = (counts[type(k)] or 0) + 1
      counts[type(v)] = (counts[type(v)] or 0) + 1
    end
  end
  assert(counts.number == 40 * 7 and counts.string == 120 and counts.boolean == 40)
  assert(counts.table == 40)
end

-- Generators that are functions, closures and objects; errors.
do
  local function range(n)
    local i = 0
    return function() i = i + 1 if i <= n then return i, i * i end end
  end
  local sum = 0
  for i = 1, 30 do for a, b in range(10) do sum = sum + a * b end end
  assert(sum == 30 * 3025)
  local function step(limit, i) if i < limit then return i + 1 end end
  sum = 0
  for i = 1, 30 do for j in step, 10, 0 do sum = sum + j end end
  assert(sum == 30 * 55)
  local function call(_, s, i) if i < s then return i + 1 end end
  local callable = setmetatable({}, { __call = call })
  sum = 0
  for i = 1, 30 do for j in callable, 5, 0 do sum = sum + j end end
  assert(sum == 450)
  local ok, message = pcall(function()
    for i = 1, 30 do for k in pairs(i < 20 and list or 5) do sum = sum + k break end end
  end)
  local expected = "bad argument #1 to 'pairs' (table expected, got number)"
  assert(not ok and message:find(expected, 1, true))
  ok, message = pcall(function()
    for i = 1, 30 do for k in i < 20 and next or 5, list do break end end
  end)
  assert(not ok and message:find("attempt to call", 1, true), message)
end

-- Variables that closures capture, and loops that are left by break and return.
do
  local functions = {}
  for i, v in ipairs(list) do functions[i] = function() v = v + 1 return i + v end end
  local sum = 0
  for _, f in ipairs(functions) do sum = sum + f() end
  assert(sum == 10200)
  local function find(t, wanted) for k, v in pairs(t) do if v == wanted then return k end end end
  for i = 1, 100 do assert(find(list, i) == i and find(map, i) == "k" .. i) end
  sum = 0
  for i = 1, 50 do
    for k, v in ipairs(list) do
      if k > i then break end
      for _, w in ipairs({ 1, 2 }) do sum = sum + v * w end
    end
  end
  assert(sum == 3 * 22100)
end

-- The hidden variables, as a debugger sees and changes them.
do
  local seen = 0
  for k, v in pairs(list) do
    local name, value = debug.getlocal(1, 8)
    seen = seen + v
    if k == 50 then
      for index = 1, 20 do
        local name = debug.getlocal(1, index)
        if name == "v" then debug.setlocal(1, index, 1000) end
      end
      seen = seen + v - 1000
    end
  end
  assert(seen == 5050, seen)
end
