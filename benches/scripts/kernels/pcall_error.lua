-- A protected call that fails.
local n = (tonumber(arg and arg[1]) or 120) * 50000
local pcall, error = pcall, error
local failure = {}
local function f() error(failure) end
local count = 0
for _ = 1, n do
  local ok, value = pcall(f)
  if not ok and value == failure then count = count + 1 end
end
print(string.format("%d", count))
