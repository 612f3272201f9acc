-- Variable arguments: select, unpack, packing and forwarding, functions with many results.
local rounds = tonumber(arg and arg[1]) or 2000

local unpack = table.unpack or unpack
local select = select

local function sum(...)
  local total = 0
  for i = 1, select("#", ...) do total = total + (select(i, ...)) end
  return total
end
local function sum_packed(...)
  local total, list = 0, { ... }
  for i = 1, #list do total = total + list[i] end
  return total
end
local function sum_recursive(first, ...)
  if not first then return 0 end
  return first + sum_recursive(...)
end
local function forward(f, ...) return f(...) end
local function reverse(...)
  local list, n = { ... }, select("#", ...)
  for i = 1, n / 2 do list[i], list[n + 1 - i] = list[n + 1 - i], list[i] end
  return unpack(list, 1, n)
end
local function bind(f, ...)
  local bound, n = { ... }, select("#", ...)
  return function(...)
    local all = { unpack(bound, 1, n) }
    for i = 1, select("#", ...) do all[n + i] = (select(i, ...)) end
    return f(unpack(all, 1, n + select("#", ...)))
  end
end
local function swap(a, b) return b, a end

local checksum = 0
for round = 1, rounds do
  local list = {}
  for i = 1, 30 do list[i] = i * round % 101 end
  for i = 1, 100 do
    checksum = checksum + sum(unpack(list)) + sum_packed(unpack(list, 3, 20))
      + sum_recursive(unpack(list, 1, 10))
    checksum = checksum + forward(forward, sum, i, round) + select(2, reverse(i, round, 3))
    local a, b = swap(swap(i, round))
    checksum = (checksum + bind(sum, a, b)(round, i, 1) + math.max(unpack(list))
      - select("#", reverse(unpack(list)))) % 1000003
  end
end
print(string.format("%d", checksum))
