-- Single large things.
local COUNT = 10000000
local function garbage(count)
  local before = cycles()
  repeat
    local garbage
    for _ = 1, 50 do garbage = { garbage } end
    piece()
  until cycles() >= before + count
end

local big = {}
begin()
for i = 1, COUNT do
  big[i] = i
  if i % 100 == 0 then piece() end
end
report("a table grows to 10 million slots")
begin() garbage(3) report("a table of 10 million slots lives")
big = nil
begin() garbage(3) report("a table of 10 million slots dies")

collectgarbage()
local map = {}
begin()
for i = 1, 2000000 do
  map[i + 0.5] = i
  if i % 100 == 0 then piece() end
end
report("a table grows to 2 million fields")
begin() garbage(3) report("a table of 2 million fields lives")
map = nil

-- Much memory goes back to the system at once.
collectgarbage()
local live = {}
for i = 1, 6000000 do live[i] = { i } end
collectgarbage()
live = nil
begin() garbage(2) report("6 million tables die together")

collectgarbage()
local text = ("x"):rep(1000)
local parts = {}
for i = 1, 100000 do parts[i] = text end
begin() local joined = table.concat(parts) single("a string of 100 MB is made")
begin() garbage(2) report("a string of 100 MB lives")
joined = nil
begin() garbage(2) report("a string of 100 MB dies")
begin() collectgarbage() single("a full collection")
