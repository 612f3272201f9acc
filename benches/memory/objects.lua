-- Bytes of the heap for each object of a kind, over many of them. Kinds that an interpreter does
-- not have are left out.
local COUNT = tonumber(arg and arg[1]) or 100000
local unpack = unpack or table.unpack

local function measure(kind, make)
  local live = {}
  for i = 1, COUNT do live[i] = i end
  collectgarbage()
  collectgarbage()
  local before = collectgarbage("count")
  for i = 1, COUNT do live[i] = make(i) end
  if sleep then sleep(0) end
  collectgarbage()
  collectgarbage()
  print(("%s\t%.1f"):format(kind, (collectgarbage("count") - before) * 1024 / COUNT))
  return live
end

measure("{}", function() return {} end)
measure("{x, y}", function(i) return { i, i } end)
measure("{x = 1, y = 2}", function(i) return { x = i, y = i } end)
measure("{x = 1, ... five fields}", function(i) return { a = i, b = i, c = i, d = i, e = i } end)
measure("list of 100 numbers", function(i)
  local list = {}
  for j = 1, 100 do list[j] = i end
  return list
end)
measure("closure with an upvalue", function(i) return function() return i end end)
measure("string of 20 bytes", function(i) return ("%020d"):format(i) end)
measure("string of 60 bytes", function(i) return ("%060d"):format(i) end)
measure("string of 1000 bytes", function(i) return ("%020d"):format(i):rep(50) end)
if newproxy then measure("userdata", function() return newproxy() end) end
measure("suspended coroutine", function()
  local thread = coroutine.create(function() coroutine.yield() end)
  coroutine.resume(thread)
  return thread
end)
measure("suspended iterator", function()
  local function body() coroutine.yield() end
  local next = coroutine.wrap(function() body() end)
  next()
  return next
end)
if go then
  local gate = chan()
  local function wait_for_gate() receive(gate) end
  measure("goroutine that waits", function() go(wait_for_gate) end)
  measure("channel", function() return chan() end)
  os.exit(0)
end
