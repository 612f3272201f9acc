-- A read that the memory limit forbids takes nothing out of the file.
-- options: -memory-limit 16

local path = os.tmpname()
local file = assert(io.open(path, "w"))
for number = 1, 20000 do
  file:write(("%05d"):format(number), ("x"):rep(2000), "\n")
end
file:close()

local reader = assert(io.open(path))
local count = 0
for _ = 1, 2 do
  local last
  local read, message = pcall(function()
    local kept = {}
    while true do
      last = reader:read("*l")
      count = count + 1
      kept[#kept + 1] = last
    end
  end)
  assert(not read and message:find("not enough memory"), message)
  collectgarbage()
  assert(tonumber(last:sub(1, 5)) == count, last:sub(1, 5) .. " is line " .. count)
end
reader:close()
os.remove(path)
