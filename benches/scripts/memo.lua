-- Memoisation with string keys: edit distance, partitions, a knapsack, and interning of word forms.
local rounds = tonumber(arg and arg[1]) or 150

local function memoise(f)
  local known = {}
  return function(a, b, c)
    local key = a .. "|" .. b .. "|" .. (c or "")
    local value = known[key]
    if value == nil then
      value = f(a, b, c)
      known[key] = value
    end
    return value
  end
end

local function distance(s, t)
  local d
  d = memoise(function(i, j)
    if i == 0 then return j end
    if j == 0 then return i end
    if s:sub(i, i) == t:sub(j, j) then return d(i - 1, j - 1) end
    return 1 + math.min(d(i - 1, j), d(i, j - 1), d(i - 1, j - 1))
  end)
  return d(#s, #t)
end

local function partitions(n)
  local p
  p = memoise(function(total, largest)
    if total == 0 then return 1 end
    if largest == 0 then return 0 end
    local ways = p(total, largest - 1)
    if largest <= total then ways = ways + p(total - largest, largest) end
    return ways
  end)
  return p(n, n)
end

local function knapsack(weights, values, capacity)
  local best
  best = memoise(function(i, room)
    if i == 0 then return 0 end
    local value = best(i - 1, room)
    if weights[i] <= room then
      value = math.max(value, values[i] + best(i - 1, room - weights[i]))
    end
    return value
  end)
  return best(#weights, capacity)
end

local checksum = 0
for round = 1, rounds do
  checksum = checksum + distance(("kitten sitting "):rep(3) .. round,
    ("sitting knitting "):rep(3) .. round * 7)
  checksum = checksum + partitions(60) % 10007
  local weights, values = {}, {}
  for i = 1, 20 do
    weights[i] = (i * 7 + round) % 19 + 1
    values[i] = (i * 13 + round) % 31
  end
  checksum = checksum + knapsack(weights, values, 90)
  local forms = {}
  for i = 1, 4000 do
    local word = "word" .. i % 700
    forms[word] = (forms[word] or 0) + 1
    forms[word .. "s"] = forms[word]
  end
  checksum = checksum + forms["word699s"]
end
print(string.format("%d", checksum))
