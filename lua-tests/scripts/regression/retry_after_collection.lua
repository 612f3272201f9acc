-- A native that runs short of memory collects and tries again, each time, not only the first at
-- this place.
-- options: -memory-limit 32 -timeout 60s
collectgarbage("stop")
for i = 1, 40 do
  local text = string.rep("x", 9e6 + i)
  assert(#text == 9e6 + i)
end
