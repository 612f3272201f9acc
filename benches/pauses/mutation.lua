-- Programs that change much and allocate little, so that the collector, which works in proportion
-- to allocation, meets more changes than it has time for.
local random = math.random
local COUNT = 1000000
local live = {}
for i = 1, COUNT do live[i] = { left = false, right = false } end
collectgarbage()

begin()
repeat
  for _ = 1, 100 do
    for _ = 1, 100 do live[random(COUNT)].left = live[random(COUNT)] end
    for _ = 1, 50 do local _ = {} end
    piece()
  end
until cycles() >= 3
report("references between a million tables change")

-- Nothing is allocated while every table changes; then much is.
begin()
repeat
  for i = 1, COUNT, 100 do
    for j = i, i + 99 do live[j].right = live[COUNT + 1 - j] end
    piece()
  end
  for _ = 1, 20000 do
    local garbage
    for _ = 1, 20 do garbage = { garbage } end
    piece()
  end
until cycles() >= 3
report("all of a million tables change, now and then")
