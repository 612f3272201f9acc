-- A binary heap as a priority queue: an event simulation and a heap sort.
local rounds = (tonumber(arg and arg[1]) or 400) * 1000

local Queue = {}
Queue.__index = Queue

function Queue.new() return setmetatable({ size = 0 }, Queue) end
function Queue:push(priority, value)
  local at = self.size + 1
  self.size = at
  local entry = { priority = priority, value = value }
  while at > 1 do
    local parent = (at - at % 2) / 2
    local above = self[parent]
    if above.priority <= priority then break end
    self[at] = above
    at = parent
  end
  self[at] = entry
end
function Queue:pop()
  local size = self.size
  if size == 0 then return nil end
  local top, last = self[1], self[size]
  self[size] = nil
  size = size - 1
  self.size = size
  if size > 0 then
    local at = 1
    while true do
      local child = at * 2
      if child > size then break end
      if child < size and self[child + 1].priority < self[child].priority then child = child + 1 end
      if self[child].priority >= last.priority then break end
      self[at] = self[child]
      at = child
    end
    self[at] = last
  end
  return top.value, top.priority
end

local seed = 5
local function random(n)
  seed = (seed * 16807) % 2147483647
  return seed % n
end

-- Customers arrive, queue and leave.
local events, served, waited, busy = Queue.new(), 0, 0, 0
for i = 1, 200 do events:push(random(1000) + i / 1000, { kind = "arrival", id = i }) end
local now = 0
for step = 1, rounds do
  local event, time = events:pop()
  if time < now then error("time runs backwards") end
  now = time
  if event.kind == "arrival" then
    busy = busy + 1
    events:push(now + random(50) + busy / 7 + step / 1000003,
      { kind = "departure", id = event.id, since = now })
  else
    busy = busy - 1
    served = served + 1
    waited = waited + (now - event.since)
    events:push(now + random(300) + step / 1000003, { kind = "arrival", id = event.id })
  end
end

local sorter = Queue.new()
for i = 1, rounds / 2 do sorter:push(random(1000000) + i / 1048576, i) end
local checksum = 0
for _ = 1, rounds / 2 do checksum = (checksum * 31 + sorter:pop()) % 1000003 end
print(string.format("%d %.4f %d", served, waited, checksum))
