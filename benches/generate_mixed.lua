-- Writes scripts/kernels/mixed.lua: straight-line code of many kinds of statement, more than a
-- branch predictor or an instruction cache can learn by heart. Deterministic:
-- lua5.1 generate_mixed.lua > scripts/kernels/mixed.lua
local seed = 2024
local function random(n)
  seed = (seed * 16807) % 2147483647
  return seed % n + 1
end

local locals = { "a", "b", "c", "d", "e", "f" }
local fields = { "x", "y", "z", "count", "total" }
local function variable() return locals[random(#locals)] end
local function field() return "o." .. fields[random(#fields)] end
local function element() return "t[" .. random(16) .. "]" end
local function place()
  local kind = random(4)
  return kind == 1 and field() or kind == 2 and element() or variable()
end
local function operand()
  return random(4) == 1 and tostring(random(9)) or place()
end

local statements = {
  function() return ("%s = (%s + %s) %% 1021"):format(place(), operand(), operand()) end,
  function() return ("%s = %s - %s + 2048"):format(variable(), variable(), element()) end,
  function() return ("%s = (%s * %d) %% 509"):format(place(), place(), random(7)) end,
  function()
    return ("if %s < %s then %s = %s %% 97 else %s = %s + 1 end"):format(
      variable(), operand(), variable(), variable(), variable(), variable())
  end,
  function()
    return ("if %s == %s then %s = %d end"):format(place(), operand(), variable(), random(50))
  end,
  function() return ("t[i %% 16 + 1] = %s %% 333"):format(variable()) end,
  function() return ("%s = t[(i + %d) %% 16 + 1]"):format(variable(), random(16)) end,
  function() return ("%s = add(%s, %s) %% 1013"):format(variable(), operand(), operand()) end,
  function() return ("%s = o:step(%s) %% 769"):format(variable(), operand()) end,
  function() return ("%s, %s = %s, %s"):format("a", "b", "b", "a") end,
  function() return ("for j = 1, %d do %s = (%s + j) %% 811 end"):format(random(3), "c", "c") end,
  function()
    return ("if not flags[%s %% 5] or %s > %d then d = (d + 3) %% 601 end"):format(
      variable(), variable(), random(400))
  end,
  function() return ("e = #t + floor(%s / %d)"):format(variable(), random(6)) end,
}

print([[
-- Straight-line code of many kinds of statement. Written by generate_mixed.lua.
local rounds = (tonumber(arg and arg[1]) or 120) * 500
local floor = math.floor
local t, flags = {}, { [0] = true, [2] = true, [3] = true }
for i = 1, 16 do t[i] = i * 3 end
local o = { x = 1, y = 2, z = 3, count = 4, total = 5 }
function o:step(n)
  self.count = (self.count + n) % 907
  return self.count
end
local function add(x, y) return x + y end
local a, b, c, d, e, f = 1, 2, 3, 4, 5, 6
for i = 1, rounds do]])
for _ = 1, 300 do print("  " .. statements[random(#statements)]()) end
print([[
  a, b, c, d, e, f = a % 1009, b % 1009, c % 1009, d % 1009, e % 1009, f % 1009
end
local sum = a + b * 3 + c * 5 + d * 7 + e * 11 + f * 13 + o.x + o.y + o.z + o.count + o.total
for i = 1, 16 do sum = sum + t[i] * i end
print(string.format("%.14g", sum))]])
