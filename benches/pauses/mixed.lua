-- 500 MB of everything that programs keep, of which a part is replaced all the time, and many
-- short-lived objects.
local random = math.random
local live = { records = {}, lists = {}, functions = {}, texts = {}, coroutines = {}, names = {} }

local function record(i)
  return {
    id = i, name = "record " .. i, price = i * 1.5, tags = { "red", "green", i }, previous = { i },
  }
end
local function list(i)
  return { i, i + 1, i + 2, i + 3, i + 4, i + 5, i + 6, i + 7 }
end
local function counter(i)
  local count = i
  return function() count = count + 1 return count end
end
local function text(i)
  return ("a text of more than forty bytes, which is no short string %d"):format(i)
end
local function sleeper()
  return coroutine.wrap(function(value) while true do value = coroutine.yield({ value }) end end)
end

for i = 1, 650000 do live.records[i] = record(i) end
for i = 1, 400000 do live.lists[i] = list(i) end
for i = 1, 400000 do live.functions[i] = counter(i) end
for i = 1, 300000 do live.texts[i] = text(i) end
for i = 1, 100000 do live.coroutines[i] = sleeper() live.coroutines[i](i) end
for i = 1, 500000 do live.names["key " .. i] = i end
-- A chain as deep as it is long, and tables of a million slots.
local chain
for i = 1, 1000000 do chain = { i, chain } end
local numbers, objects = {}, {}
for i = 1, 1000000 do numbers[i] = i end
for i = 1, 1000000 do objects[i] = live.records[i % 650000 + 1] end
collectgarbage()

-- One request of a server, as it were.
local function work()
  local answer = {}
  for i = 1, 10 do
    local id = random(650000)
    local found = live.records[id]
    answer[i] = { id = found.id, title = found.name .. "!", price = found.price * 2 }
  end
  local id = random(650000)
  live.records[id] = record(id)
  live.records[random(650000)].previous = { id }
  objects[random(1000000)] = live.records[id]
  live.lists[random(400000)][random(8)] = id
  live.functions[random(400000)] = counter(id)
  live.texts[random(300000)] = text(id)
  live.coroutines[random(100000)](id)
  live.names["key " .. random(500000)] = answer[2].title
  for _ = 1, 3 do chain = { id, chain[2] } end
  numbers[random(1000000)] = id
end

begin()
repeat
  for _ = 1, 100 do work() piece() end
until cycles() >= 6
report("500 MB of everything")
