-- A hundred thousand objects with finalizers die together.
local COUNT = 100000
local template = newproxy(true)
local count = 0
getmetatable(template).__gc = function() count = count + 1 end
local live = {}
for i = 1, COUNT do live[i] = newproxy(template) end
collectgarbage()
live = nil
begin()
repeat
  local garbage
  for _ = 1, 50 do garbage = { garbage } end
  piece()
until cycles() >= 6 and count == COUNT
report("100,000 finalizers")
