-- The functions of `tablex`. Each is called by a native of the same name; `check` and `wrong` are
-- natives, too, and raise argument errors where that native was called. This file and those next to
-- it are one chunk.
local tablex = {}

local function check_callable(index, name, value)
  local metatable = type(value) ~= "function" and getmetatable(value)
  if type(value) ~= "function" and not (type(metatable) == "table" and metatable.__call) then
    wrong(index, name, "function expected, got " .. (value == nil and "no value" or type(value)))
  end
  return value
end

local function check_count(index, name, value, default)
  if value == nil then value = default end
  check("number", index, name, value)
  if value % 1 ~= 0 then wrong(index, name, "number has a fraction") end
  return value
end

-- Whether a key belongs to the list part of a table.
local function is_index(key, length)
  return type(key) == "number" and key >= 1 and key <= length and key % 1 == 0
end

-- Iterates over all keys and values: those of the list in order, then the others.
local function each(t)
  local length, index, key = #t, 0, nil
  return function()
    if index < length then
      index = index + 1
      return index, t[index]
    end
    local value
    repeat
      key, value = next(t, key)
    until not is_index(key, length)
    return key, value
  end
end

function tablex.copy(t)
  check("table", 1, "copy", t)
  local copy = {}
  for key, value in next, t do
    copy[key] = value
  end
  return copy
end

-- Tables to copy are in a list, not on the stack: they may be nested as deep as memory allows.
function tablex.deepcopy(value)
  if type(value) ~= "table" then return value end
  local copies, open = {}, {}
  local function copy_of(original)
    if type(original) ~= "table" then return original end
    if not copies[original] then
      copies[original] = {}
      open[#open + 1] = original
    end
    return copies[original]
  end
  local result = copy_of(value)
  while #open > 0 do
    local original = table.remove(open)
    local copy = copies[original]
    for key, item in next, original do
      copy[copy_of(key)] = copy_of(item)
    end
    local metatable = getmetatable(original)
    if type(metatable) == "table" then setmetatable(copy, metatable) end
  end
  return result
end

function tablex.compare(a, b)
  -- Tables that are assumed to be equal while their contents are compared: cycles end here.
  local assumed, open = {}, { a, b }
  local count = 2
  while count > 0 do
    local x, y = open[count - 1], open[count]
    count = count - 2
    if x ~= y then
      if type(x) ~= "table" or type(y) ~= "table" then return false end
      local partners = assumed[x]
      if not partners then
        partners = {}
        assumed[x] = partners
      end
      if not partners[y] then
        partners[y] = true
        for key in next, y do
          if rawget(x, key) == nil then return false end
        end
        for key, item in next, x do
          local other = rawget(y, key)
          if other == nil then return false end
          open[count + 1], open[count + 2] = item, other
          count = count + 2
        end
      end
    end
  end
  return true
end

function tablex.map(t, f)
  check("table", 1, "map", t)
  check_callable(2, "map", f)
  local result = {}
  for key, value in each(t) do
    result[key] = f(value, key)
  end
  return result
end

function tablex.filter(t, f)
  check("table", 1, "filter", t)
  check_callable(2, "filter", f)
  local result, length, count = {}, #t, 0
  for key, value in each(t) do
    if f(value, key) then
      if is_index(key, length) then
        count = count + 1
        key = count
      end
      result[key] = value
    end
  end
  return result
end

function tablex.reduce(t, f, ...)
  check("table", 1, "reduce", t)
  check_callable(2, "reduce", f)
  local result, begun = ..., select("#", ...) > 0
  for key, value in each(t) do
    if begun then
      result = f(result, value, key)
    else
      result, begun = value, true
    end
  end
  return result
end

function tablex.flatten(list, depth)
  check("table", 1, "flatten", list)
  depth = depth == nil and math.huge or check("number", 2, "flatten", depth)
  local result, on_the_way = {}, {}
  -- The open lists, and the index in each
  local lists, places, level = { list }, { 0 }, 1
  on_the_way[list] = true
  while level > 0 do
    local current = lists[level]
    local place = places[level] + 1
    places[level] = place
    local value = current[place]
    if place > #current then
      on_the_way[current] = nil
      lists[level] = nil
      level = level - 1
    elseif type(value) == "table" and level <= depth then
      if on_the_way[value] then wrong(1, "flatten", "a list contains itself") end
      on_the_way[value] = true
      level = level + 1
      lists[level], places[level] = value, 0
    else
      result[#result + 1] = value
    end
  end
  return result
end

function tablex.keys(t)
  check("table", 1, "keys", t)
  local keys = {}
  for key in each(t) do
    keys[#keys + 1] = key
  end
  return keys
end

function tablex.values(t)
  check("table", 1, "values", t)
  local values, count = {}, 0
  for _, value in each(t) do
    count = count + 1
    values[count] = value
  end
  return values
end

function tablex.slice(list, first, last, step)
  check("table", 1, "slice", list)
  local length = #list
  first = check_count(2, "slice", first, 1)
  last = check_count(3, "slice", last, length)
  step = check_count(4, "slice", step, 1)
  if step < 1 then wrong(4, "slice", "step must be positive") end
  if first < 0 then first = length + 1 + first end
  if last < 0 then last = length + 1 + last end
  local result = {}
  for i = math.max(first, 1), math.min(last, length), step do
    result[#result + 1] = list[i]
  end
  return result
end

function tablex.concat(...)
  local result, count = {}, 0
  for i = 1, select("#", ...) do
    local list = check("table", i, "concat", (select(i, ...)))
    for j = 1, #list do
      count = count + 1
      result[count] = list[j]
    end
  end
  return result
end

function tablex.partition(list, by)
  check("table", 1, "partition", list)
  if type(by) == "number" then
    by = check_count(2, "partition", by)
    if by < 1 then wrong(2, "partition", "size must be positive") end
    local parts = {}
    for i = 1, #list, by do
      local part = {}
      for j = i, math.min(i + by - 1, #list) do
        part[#part + 1] = list[j]
      end
      parts[#parts + 1] = part
    end
    return parts
  end
  check_callable(2, "partition", by)
  local yes, no = {}, {}
  for i = 1, #list do
    local part = by(list[i], i) and yes or no
    part[#part + 1] = list[i]
  end
  return yes, no
end

function tablex.rotate(list, count)
  check("table", 1, "rotate", list)
  count = check_count(2, "rotate", count, 1)
  local result, length = {}, #list
  for i = 1, length do
    result[i] = list[(i + count - 1) % length + 1]
  end
  return result
end

function tablex.shuffle(list)
  check("table", 1, "shuffle", list)
  local result = {}
  for i = 1, #list do
    local place = random_below(i) + 1
    result[i] = result[place]
    result[place] = list[i]
  end
  return result
end

function tablex.permute(list)
  check("table", 1, "permute", list)
  local result, count = {}, #list
  local current, used = {}, {}
  -- The index of the element at each position; the next one is searched for after it.
  local chosen, place = { 0 }, 1
  if count == 0 then return { {} } end
  while place > 0 do
    local element = chosen[place]
    if element > 0 then used[element] = false end
    repeat
      element = element + 1
    until not used[element]
    if element > count then
      place = place - 1
    else
      chosen[place], used[element], current[place] = element, true, list[element]
      if place == count then
        local permutation = {}
        for i = 1, count do
          permutation[i] = current[i]
        end
        result[#result + 1] = permutation
      else
        place = place + 1
        chosen[place] = 0
      end
    end
  end
  return result
end

function tablex.combinations(list, size)
  check("table", 1, "combinations", list)
  size = check_count(2, "combinations", size)
  if size < 0 then wrong(2, "combinations", "size must not be negative") end
  local result, count = {}, #list
  if size > count then return result end
  local chosen = {}
  for i = 1, size do
    chosen[i] = i
  end
  while true do
    local combination = {}
    for i = 1, size do
      combination[i] = list[chosen[i]]
    end
    result[#result + 1] = combination
    -- The last position that can advance; all positions after it follow.
    local place = size
    while place > 0 and chosen[place] == count - size + place do
      place = place - 1
    end
    if place == 0 then return result end
    chosen[place] = chosen[place] + 1
    for i = place + 1, size do
      chosen[i] = chosen[i - 1] + 1
    end
  end
end
