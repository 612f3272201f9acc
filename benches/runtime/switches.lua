-- Coroutine switches, there and back: what round trips are measured against. For any Lua.
local COUNT = 200000
local thread = coroutine.wrap(function(value)
  for _ = 1, COUNT do value = coroutine.yield(value) end
end)
local begin = os.clock()
for i = 1, COUNT do assert(thread(i) == i) end
io.write("time\t", os.clock() - begin, "\n")
