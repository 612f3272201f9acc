-- Tables in loops that run often: growth, keys of all kinds, metatables that come and go.

-- Growth of the array part and of the hash part, and removal.
do
  local list, map = {}, {}
  for i = 1, 700 do
    list[#list + 1] = i
    map["k" .. i] = i
    map[i * 1.5] = i
    map[{}] = i
  end
  local sum, entries = 0, 0
  for i = 1, 700 do sum = sum + list[i] + map["k" .. i] + map[i * 1.5] end
  for _ in pairs(map) do entries = entries + 1 end
  assert(sum == 3 * 245350 and entries == 2100, entries)
  for i = 1, 700 do
    if i % 2 == 0 then map["k" .. i], list[i] = nil, nil end
    map["n" .. i] = true
  end
  entries = 0
  for _ in pairs(map) do entries = entries + 1 end
  assert(entries == 2100 - 350 + 700, entries)
end

-- The same table under two names: one grows it.
do
  local a = { 1, 2, 3 }
  local b, sum = a, 0
  for i = 4, 300 do
    a[i] = i
    a["x" .. i] = i
    sum = sum + b[i] + b[1] + b["x" .. i]
    b.last = i
    sum = sum - a.last
  end
  assert(sum == 45144 + 297, sum)
end

-- Fields that objects lack.
do
  local present, absent = 0, 0
  for i = 1, 200 do
    local t = { a = i }
    if i % 3 == 0 then t.b = i end
    t.c = t.a
    if t.b then present = present + 1 else absent = absent + 1 end
    if t.d == nil and t.c == i then absent = absent + 1 end
    t.a = nil
    if t.a then error("removed") end
    t.a = 1
  end
  assert(present == 66 and absent == 334)
end

-- Classes, inherited fields, methods of an object's own, changes of the class.
do
  local Class = { scale = 3 }
  Class.__index = Class
  function Class.new(x) local o = setmetatable({}, Class) o.x = x return o end
  function Class:get() return self.x * self.scale end
  local Derived = setmetatable({}, Class)
  Derived.__index = Derived
  function Derived:get() return Class.get(self) + 1 end
  local sum = 0
  for i = 1, 300 do
    local o = Class.new(i)
    if i % 50 == 0 then o.get = function(this) return -this.x end end
    if i == 200 then Class.scale = 2 end
    if i == 250 then Class.get = function(this) return this.x end end
    local d = setmetatable({ x = 1 }, Derived)
    sum = sum + o:get() + d:get() - d:get()
  end
  local expected = 0
  for i = 1, 300 do
    local value = i * (i < 200 and 3 or 2)
    if i >= 250 then value = i end
    if i % 50 == 0 then value = -i end
    expected = expected + value
  end
  assert(sum == expected, sum .. " " .. expected)
end

-- Metamethods of accesses.
do
  local log = 0
  local t = setmetatable({}, {
    __index = function(_, k) log = log + 1 return k end,
    __newindex = function(t, k, v) log = log + 1 rawset(t, k, v * 2) end,
  })
  local sum = 0
  for i = 1, 150 do
    sum = sum + t[i]
    if i % 2 == 0 then t[i] = i end
    t["k" .. i] = i
    sum = sum + t["k" .. i]
    if #tostring(t.absent) ~= 6 then error("index") end
  end
  assert(sum == 11325 + 22650 and log == 150 + 75 + 150 + 150, log)
end

-- Concatenations and closures.
do
  local parts, functions = {}, {}
  for i = 1, 200 do
    parts[i] = i .. "/" .. (i % 2 == 0 and "even" or "odd") .. ";"
    local j = i
    functions[i] = function(k) j = j + (k or 0) return j end
    if i % 10 == 0 then functions[i](5) end
  end
  assert(#table.concat(parts) == 492 + 700 + 400, #table.concat(parts))
  local sum = 0
  for i = 1, 200 do sum = sum + functions[i]() end
  assert(sum == 20100 + 100)
  local object = setmetatable({}, { __concat = function(a, b) return "joined" end })
  for i = 1, 50 do assert(i .. object == "joined" and object .. "x" == "joined") end
  local ok, message = pcall(function()
    for i = 1, 50 do local s = "x" .. (i < 40 and i or {}) end
  end)
  assert(not ok and message:find("attempt to concatenate a table value", 1, true), message)
end

-- Powers, and operands that are strings.
do
  local sum = 0
  for i = 1, 100 do sum = sum + i ^ 2 + 2 ^ (i % 8) + 4 ^ 0.5 + "10" * 1 end
  assert(sum == 338350 + 12 * 255 + 30 + 200 + 1000, sum)
end

-- Globals that a loop makes.
do
  for i = 1, 100 do
    loop_counter = (loop_counter or 0) + i
    _G["loop_" .. i] = loop_counter
  end
  assert(loop_counter == 5050 and loop_50 == 1275)
  for i = 1, 100 do _G["loop_" .. i] = nil end
  loop_counter = nil
end
