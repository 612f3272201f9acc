-- stdout: handled
-- Handlers get uncaught errors, error values that are not strings unchanged; the program's exit
-- code is 0.
local seen, told = {}, chan("told", 100)
on_error(function(e) seen[#seen + 1] = e send("told", 1) end)
on_error(function(e) sleep(0.001) seen[#seen + 1] = e send("told", 1) end)
local object = {}
go(function() error("text") end)
go(function() error(object) end)
go(function() local x = nil; x.y = 1 end)
for _ = 1, 6 do receive("told") end
local texts, objects = 0, 0
for _, e in ipairs(seen) do
  if e == object then objects = objects + 1 else
    assert(e:find("handlers.lua:%d+: "), e)
    texts = texts + 1
  end
end
assert(texts == 4 and objects == 2)
print("handled")
