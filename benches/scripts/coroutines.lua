-- Coroutines: generators, a pipeline of stages, permutations, a round-robin of tasks, and a tree
-- walked by two at once.
local rounds = tonumber(arg and arg[1]) or 900

local yield, wrap = coroutine.yield, coroutine.wrap

local function range(n)
  return wrap(function() for i = 1, n do yield(i) end end)
end
local function only(source, keep)
  return wrap(function() for x in source do if keep(x) then yield(x) end end end)
end
local function mapped(source, f)
  return wrap(function() for x in source do yield(f(x)) end end)
end

local function permutations(list)
  local function permute(n)
    if n <= 1 then yield(list) return end
    for i = 1, n do
      list[n], list[i] = list[i], list[n]
      permute(n - 1)
      list[n], list[i] = list[i], list[n]
    end
  end
  return wrap(function() permute(#list) end)
end

local function insert(tree, key)
  if not tree then return { key = key } end
  local side = key < tree.key and "left" or "right"
  tree[side] = insert(tree[side], key)
  return tree
end
local function walk(tree)
  if tree then
    walk(tree.left)
    yield(tree.key)
    walk(tree.right)
  end
end
local function same_fringe(a, b)
  local one, two = wrap(function() walk(a) end), wrap(function() walk(b) end)
  while true do
    local x, y = one(), two()
    if x ~= y then return false end
    if x == nil then return true end
  end
end

local checksum = 0
local function note(x) checksum = (checksum * 31 + x) % 1000003 end

for round = 1, rounds do
  local numbers = mapped(only(range(2000), function(x) return x % 3 == 0 end),
    function(x) return x * round end)
  for x in numbers do note(x) end

  for list in permutations({ 1, 2, 3, 4, 5, 6 }) do note(list[1] * 10 + list[6]) end

  local tasks = {}
  for id = 1, 50 do
    tasks[id] = coroutine.create(function(share)
      local sum = 0
      for _ = 1, 20 do sum = sum + coroutine.yield(id + share) end
      return sum
    end)
  end
  while #tasks > 0 do
    for i = #tasks, 1, -1 do
      local _, value = coroutine.resume(tasks[i], i)
      note(value)
      if coroutine.status(tasks[i]) == "dead" then table.remove(tasks, i) end
    end
  end

  local a, b
  for i = 1, 300 do
    a = insert(a, (i * 7919) % 1000)
    b = insert(b, ((301 - i) * 7919) % 1000)
  end
  if same_fringe(a, b) then note(1) end
end
print(string.format("%d", checksum))
