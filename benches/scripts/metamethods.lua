-- Metamethods: vectors and complex numbers with operators, read-only and counting proxies, callable
-- and default-value tables.
local rounds = tonumber(arg and arg[1]) or 300

local Vector = {}
Vector.__index = Vector
local function vector(x, y, z) return setmetatable({ x = x, y = y, z = z }, Vector) end
function Vector.__add(a, b) return vector(a.x + b.x, a.y + b.y, a.z + b.z) end
function Vector.__sub(a, b) return vector(a.x - b.x, a.y - b.y, a.z - b.z) end
function Vector.__mul(a, b)
  if type(a) == "number" then return vector(a * b.x, a * b.y, a * b.z) end
  if type(b) == "number" then return vector(a.x * b, a.y * b, a.z * b) end
  return a.x * b.x + a.y * b.y + a.z * b.z
end
function Vector.__unm(a) return vector(-a.x, -a.y, -a.z) end
function Vector.__eq(a, b) return a.x == b.x and a.y == b.y and a.z == b.z end
function Vector.__lt(a, b) return a * a < b * b end
function Vector.__le(a, b) return a * a <= b * b end
function Vector.__concat(a, b) return tostring(a) .. "~" .. tostring(b) end
function Vector.__tostring(a) return string.format("(%d,%d,%d)", a.x, a.y, a.z) end
function Vector:cross(b)
  return vector(self.y * b.z - self.z * b.y, self.z * b.x - self.x * b.z,
    self.x * b.y - self.y * b.x)
end

local function counting(target, counts)
  return setmetatable({}, {
    __index = function(_, key)
      counts.reads = counts.reads + 1
      return target[key]
    end,
    __newindex = function(_, key, value)
      counts.writes = counts.writes + 1
      target[key] = value
    end,
    __call = function(_, a, b) return target[a] + target[b] end,
  })
end
local function defaults(value)
  return setmetatable({}, { __index = function(t, key)
    local new = value(key)
    rawset(t, key, new)
    return new
  end })
end

local checksum = 0
local function note(x) checksum = (checksum * 31 + x) % 1000003 end

for round = 1, rounds do
  local position, velocity = vector(round, 2, 3), vector(1, -1, round % 5)
  for i = 1, 1000 do
    position = position + velocity * (i % 3) - 2 * vector(1, 0, 1)
    if position > vector(100, 100, 100) then position = -position * 0 + vector(i % 7, 1, 1) end
    if position == vector(1, 1, 1) or position <= velocity then
      velocity = velocity:cross(vector(0, 1, 0)) + vector(1, 1, 0)
    end
  end
  note(math.abs(position * position) % 1000)
  note(#(position .. velocity))

  local counts = { reads = 0, writes = 0 }
  local proxy = counting({ a = 1, b = 2 }, counts)
  for i = 1, 1000 do
    proxy.a = proxy.a + proxy.b
    if i % 10 == 0 then proxy.b = proxy("a", "b") % 13 end
  end
  note(proxy.a % 1009)
  note(counts.reads)
  note(counts.writes)

  local squares = defaults(function(key) return key * key end)
  local sum = 0
  for i = 1, 2000 do sum = sum + squares[i % 300] end
  note(sum)
end
print(string.format("%d", checksum))
