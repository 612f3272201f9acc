-- Weak tables of a million entries.
local COUNT = 1000000

local function measure(name, mode, fill)
  collectgarbage()
  local weak, keep = setmetatable({}, { __mode = mode }), {}
  collectgarbage("stop")
  for i = 1, COUNT do fill(weak, keep, i) end
  collectgarbage("restart")
  begin()
  repeat
    local garbage
    for _ = 1, 50 do garbage = { garbage } end
    piece()
  until cycles() >= 3
  report(name)
  return weak, keep
end

measure("weak values, all alive", "v", function(weak, keep, i)
  keep[i] = {}
  weak[i] = keep[i]
end)
measure("weak values, all dead", "v", function(weak, _, i) weak[i] = {} end)
measure("weak keys, all alive", "k", function(weak, keep, i)
  keep[i] = {}
  weak[keep[i]] = i
end)
measure("weak keys, all dead", "k", function(weak, _, i) weak[{}] = i end)
measure("a cache by name, half of it dead", "v", function(weak, keep, i)
  local value = {}
  if i % 2 == 0 then keep[#keep + 1] = value end
  weak["name " .. i] = value
end)
measure("10,000 small weak tables, half of them dead", "k", function(_, keep, i)
  if i <= 10000 then
    keep[i] = setmetatable({}, { __mode = "k" })
    for j = 1, 50 do
      local key = {}
      keep[i][key] = true
      if j % 2 == 0 then keep[#keep + 1] = key end
    end
  end
end)
