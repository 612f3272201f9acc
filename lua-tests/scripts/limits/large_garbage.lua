-- options: -memory-limit 24 -timeout 60s
-- Large objects that become garbage in sequence stay within the limit: an allocation collects
-- before it fails.
local elements = {}
for i = 1, 50000 do elements[i] = i end
for _ = 1, 2000 do
  local list = { unpack(elements) }
  assert(#list == #elements)
end

local text = ("x"):rep(3e6)
for i = 1, 300 do
  local joined = "a" .. i .. text
  assert(#joined > #text)
end

local function pack(...) return arg end
for _ = 1, 500 do assert(pack(unpack(elements)).n == #elements) end

for i = 1, 300 do assert(#("y"):rep(3e6 + i) > 3e6) end

-- An object that exceeds the limit in any case is an error.
local ok, message = pcall(function()
  local longer = text
  for _ = 1, 5 do longer = longer .. longer end
end)
assert(not ok and message == "not enough memory", message)
