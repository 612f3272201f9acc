-- table.sort of numbers, strings and records, with and without a comparator, and a merge sort in
-- Lua.
local size = (tonumber(arg and arg[1]) or 360) * 500

local seed = 42
local function random(n)
  seed = (seed * 16807) % 2147483647
  return seed % n
end

local function numbers()
  local list = {}
  for i = 1, size do list[i] = random(1000000) end
  return list
end

local function merge_sort(list, less)
  local from, to = list, {}
  local width = 1
  while width < #list do
    for start = 1, #list, 2 * width do
      local middle, stop =
        math.min(start + width, #list + 1), math.min(start + 2 * width, #list + 1)
      local i, j = start, middle
      for k = start, stop - 1 do
        if i < middle and (j >= stop or not less(from[j], from[i])) then
          to[k] = from[i]
          i = i + 1
        else
          to[k] = from[j]
          j = j + 1
        end
      end
    end
    from, to = to, from
    width = width * 2
  end
  return from
end

local function checksum(list, value)
  local sum = 0
  for i = 1, #list do sum = (sum * 31 + value(list[i])) % 1000003 end
  return sum
end

local plain = numbers()
table.sort(plain)
local descending = numbers()
table.sort(descending, function(a, b) return a > b end)
local merged = merge_sort(numbers(), function(a, b) return a < b end)

local strings = {}
for i = 1, size do strings[i] = string.format("%x-%d", random(100000), i) end
table.sort(strings)

local records = {}
for i = 1, size / 2 do records[i] = { group = random(10), name = strings[i], id = i } end
table.sort(records, function(a, b)
  if a.group ~= b.group then return a.group < b.group end
  if a.name ~= b.name then return a.name > b.name end
  return a.id < b.id
end)

local function identity(x) return x end
print(string.format("%d %d %d %d %d", checksum(plain, identity), checksum(descending, identity),
  checksum(merged, identity), checksum(strings, function(s) return #s + s:byte(-1) end),
  checksum(records, function(r) return r.id end)))
