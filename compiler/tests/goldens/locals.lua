-- Nil is loaded once for neighbours; values go straight into their registers.
local a
local b, c
local d = nil
local e, f, g = 1, "two", true
local h, i = a
local j = a, b, print()
do
  local a = a
  local k, l = print()
end
local k
