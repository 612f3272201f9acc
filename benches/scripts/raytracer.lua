-- A ray tracer: spheres and a plane, shadows and reflections, vectors as tables.
local size = (tonumber(arg and arg[1]) or 42) * 8

local sqrt, floor, max = math.sqrt, math.floor, math.max

local function vector(x, y, z) return { x = x, y = y, z = z } end
local function add(a, b) return vector(a.x + b.x, a.y + b.y, a.z + b.z) end
local function subtract(a, b) return vector(a.x - b.x, a.y - b.y, a.z - b.z) end
local function scale(a, k) return vector(a.x * k, a.y * k, a.z * k) end
local function dot(a, b) return a.x * b.x + a.y * b.y + a.z * b.z end
local function unit(a) return scale(a, 1 / sqrt(dot(a, a))) end

local Sphere = {}
Sphere.__index = Sphere
function Sphere:intersect(origin, direction)
  local offset = subtract(origin, self.center)
  local b = dot(offset, direction)
  local root = b * b - dot(offset, offset) + self.radius * self.radius
  if root < 0 then return nil end
  root = sqrt(root)
  local distance = -b - root
  if distance < 1e-4 then distance = -b + root end
  if distance > 1e-4 then return distance end
end
function Sphere:normal(point) return unit(subtract(point, self.center)) end
function Sphere:shade() return self.color end

local Plane = {}
Plane.__index = Plane
function Plane:intersect(origin, direction)
  if direction.y > -1e-6 then return nil end
  local distance = (self.height - origin.y) / direction.y
  if distance > 1e-4 then return distance end
end
function Plane:normal() return self.up end
function Plane:shade(point)
  local even = (floor(point.x) + floor(point.z)) % 2 == 0
  return even and self.color or self.other
end

local scene = {
  setmetatable({
    height = -1, up = vector(0, 1, 0), color = 0.9, other = 0.2, mirror = 0.1,
  }, Plane),
}
for i = 1, 6 do
  scene[#scene + 1] = setmetatable({
    center = vector((i - 3.5) * 1.1, -0.4 + (i % 3) * 0.5, 4 + (i % 2) * 1.5),
    radius = 0.5 + i * 0.03,
    color = 0.3 + i * 0.1, mirror = i % 2 == 0 and 0.5 or 0.1,
  }, Sphere)
end
local light = unit(vector(0.5, 1, -0.7))

local function nearest(origin, direction)
  local best, object
  for i = 1, #scene do
    local distance = scene[i]:intersect(origin, direction)
    if distance and (not best or distance < best) then best, object = distance, scene[i] end
  end
  return best, object
end

local function trace(origin, direction, depth)
  local distance, object = nearest(origin, direction)
  if not object then return 0.4 + 0.3 * max(direction.y, 0) end
  local point = add(origin, scale(direction, distance))
  local normal = object:normal(point)
  local brightness = 0.1
  if not nearest(point, light) then brightness = brightness + 0.9 * max(dot(normal, light), 0) end
  local color = object:shade(point) * brightness
  if depth > 0 and object.mirror > 0 then
    local reflected = subtract(direction, scale(normal, 2 * dot(direction, normal)))
    color = color * (1 - object.mirror) + object.mirror * trace(point, reflected, depth - 1)
  end
  return color
end

local checksum, sum = 0, 0
local eye = vector(0, 0.3, -1)
for row = 1, size do
  for column = 1, size do
    local direction = unit(vector(2 * column / size - 1, 1 - 2 * row / size, 1.5))
    local level = floor(trace(eye, direction, 3) * 255)
    sum = sum + level
    checksum = (checksum * 31 + level) % 1000003
  end
end
print(string.format("%d %d", sum, checksum))
