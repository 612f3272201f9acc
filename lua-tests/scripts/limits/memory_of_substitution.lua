-- options: -timeout 20s -memory-limit 64
-- What gsub gathers counts against the memory limit, whatever the replacement is.
local s = ("x"):rep(1e5)
for _, replacement in ipairs { function() return s end, { x = s }, s, ("%0"):rep(1e4) } do
  local ok, message = pcall(string.gsub, s, "x", replacement)
  assert(not ok and message == "not enough memory", tostring(message))
end
assert(("ab"):gsub("b", "c") == "ac")
