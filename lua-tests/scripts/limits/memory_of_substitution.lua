-- options: -timeout 20s -memory-limit 64
-- The buffer of gsub counts against the memory limit, whatever the replacement is.
local s = ("x"):rep(1e5)
for _, replacement in ipairs { function() return s end, { x = s }, s, ("%0"):rep(1e4) } do
  local ok, message = pcall(string.gsub, s, "x", replacement)
  assert(not ok and message == "not enough memory", tostring(message))
end
assert(("ab"):gsub("b", "c") == "ac")
local ok, message = pcall(text.replace, ("a"):rep(1e6), "a", ("b"):rep(100))
assert(not ok and message == "not enough memory", tostring(message))
assert(text.replace("a-b-c", "-", "+", 1) == "a+b-c")

-- The copy of sort counts until it ends.
local list = {}
for i = 1, 1e5 do list[i] = i end
collectgarbage()
collectgarbage("stop")
local before, during = collectgarbage("count"), 0
table.sort(list, function(a, b)
  during = during == 0 and collectgarbage("count") or during
  return a < b
end)
assert(during > before + 500, "the copy is counted")
for _ = 1, 100 do table.sort(list) end
assert(collectgarbage("count") < before + 500, "it is not counted any more")
