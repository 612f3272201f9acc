-- Rigid bodies in two dimensions: boxes, triangles and discs fall into a pit, collide with
-- friction, and hang on ropes. Vectors are objects with operators; contacts are found by a sweep
-- along x and separating axes. No function but sqrt is used, so that results are reproducible.

local steps = (tonumber(arg and arg[1]) or 25) * 16 + 60
local sqrt, abs, min, max = math.sqrt, math.abs, math.min, math.max

-- vectors ----------------------------------------------------------------------------------

local Vector = {}
local new_vector

local vector_meta = {
  __index = Vector,
  __add = function(a, b) return new_vector(a.x + b.x, a.y + b.y) end,
  __sub = function(a, b) return new_vector(a.x - b.x, a.y - b.y) end,
  __unm = function(a) return new_vector(-a.x, -a.y) end,
  __mul = function(a, b)
    if type(a) == "number" then return new_vector(a * b.x, a * b.y) end
    if type(b) == "number" then return new_vector(a.x * b, a.y * b) end
    return a.x * b.x + a.y * b.y
  end,
  __div = function(a, scalar) return new_vector(a.x / scalar, a.y / scalar) end,
  __eq = function(a, b) return a.x == b.x and a.y == b.y end,
  __lt = function(a, b) return a:squared() < b:squared() end,
  __tostring = function(a) return ("(%.4f, %.4f)"):format(a.x, a.y) end,
}

function new_vector(x, y) return setmetatable({ x = x, y = y }, vector_meta) end

setmetatable(Vector, { __call = function(_, x, y) return new_vector(x or 0, y or 0) end })

function Vector:squared() return self.x * self.x + self.y * self.y end
function Vector:length() return sqrt(self:squared()) end
function Vector:cross(other) return self.x * other.y - self.y * other.x end
function Vector:turned() return new_vector(-self.y, self.x) end
function Vector:rotated(by) -- by is a direction of length one
  return new_vector(self.x * by.x - self.y * by.y, self.x * by.y + self.y * by.x)
end
function Vector:normalized()
  local length = self:length()
  if length == 0 then return Vector(1, 0) end
  return self / length
end

-- bodies -----------------------------------------------------------------------------------

local Body = {}
Body.__index = Body

function Body.new(class, fields)
  local body = setmetatable(fields, class)
  body.velocity = body.velocity or Vector()
  body.direction = body.direction or Vector(1, 0)
  body.spin = 0
  if body.fixed then
    body.inverse_mass, body.inverse_inertia = 0, 0
  else
    local mass = body:area() * (body.density or 1)
    body.inverse_mass = 1 / mass
    body.inverse_inertia = 1 / (mass * body:inertia_of_unit_mass())
  end
  body:refresh()
  return body
end

function Body:velocity_at(offset)
  return self.velocity + self.spin * offset:turned()
end

function Body:push(impulse, offset)
  self.velocity = self.velocity + impulse * self.inverse_mass
  self.spin = self.spin + offset:cross(impulse) * self.inverse_inertia
end

function Body:move(seconds, gravity)
  if self.fixed then return end
  self.velocity = self.velocity + gravity * seconds
  self.position = self.position + self.velocity * seconds
  local turn = self.direction:turned() * (self.spin * seconds)
  self.direction = (self.direction + turn):normalized()
  self:refresh()
end

function Body:energy()
  if self.fixed then return 0 end
  return (self.velocity:squared() / self.inverse_mass
    + self.spin * self.spin / self.inverse_inertia) / 2
end

-- Discs and polygons are kinds of bodies.
local Disc = setmetatable({ kind = "disc" }, { __index = Body })
Disc.__index = Disc

function Disc.new(fields) return Body.new(Disc, fields) end
function Disc:area() return 3.141592653589793 * self.radius * self.radius end
function Disc:inertia_of_unit_mass() return self.radius * self.radius / 2 end
function Disc:refresh()
  self.left, self.right = self.position.x - self.radius, self.position.x + self.radius
  self.top, self.bottom = self.position.y + self.radius, self.position.y - self.radius
end

local Polygon = setmetatable({ kind = "polygon" }, { __index = Body })
Polygon.__index = Polygon

function Polygon.new(fields) return Body.new(Polygon, fields) end

function Polygon:each_edge()
  local index, corners = 0, self.world or self.corners
  return function()
    index = index + 1
    if corners[index] then return corners[index], corners[index % #corners + 1], index end
  end
end

function Polygon:area()
  local sum = 0
  for a, b in self:each_edge() do sum = sum + a:cross(b) end
  return sum / 2
end

function Polygon:inertia_of_unit_mass()
  local sum, weight = 0, 0
  for a, b in self:each_edge() do
    local cross = a:cross(b)
    sum = sum + cross * (a * a + a * b + b * b)
    weight = weight + cross
  end
  return sum / (6 * weight)
end

function Polygon:refresh()
  local world, normals = {}, {}
  local left, right, top, bottom = math.huge, -math.huge, -math.huge, math.huge
  for i, corner in ipairs(self.corners) do
    local point = self.position + corner:rotated(self.direction)
    world[i] = point
    left, right = min(left, point.x), max(right, point.x)
    bottom, top = min(bottom, point.y), max(top, point.y)
  end
  self.world, self.left, self.right, self.top, self.bottom = world, left, right, top, bottom
  for a, b, i in self:each_edge() do normals[i] = -(b - a):turned():normalized() end
  self.normals = normals
end

-- contacts: normal from a to b, depth, points -----------------------------------------------

local collide = { disc = {}, polygon = {} }

function collide.disc.disc(a, b)
  local between = b.position - a.position
  local reach = a.radius + b.radius
  if between:squared() >= reach * reach then return nil end
  local normal = between:normalized()
  return normal, reach - between:length(), { a.position + normal * a.radius }
end

function collide.polygon.disc(a, b)
  local best, best_index = -math.huge, nil
  for i, normal in ipairs(a.normals) do
    local distance = (b.position - a.world[i]) * normal
    if distance > b.radius then return nil end
    if distance > best then best, best_index = distance, i end
  end
  local from, to = a.world[best_index], a.world[best_index % #a.world + 1]
  local along, edge = b.position - from, to - from
  local share = max(0, min(1, (along * edge) / edge:squared()))
  local nearest = from + edge * share
  if best <= 0 then
    local normal = a.normals[best_index]
    return normal, b.radius - best, { b.position - normal * b.radius }
  end
  local away = b.position - nearest
  if away:squared() >= b.radius * b.radius then return nil end
  return away:normalized(), b.radius - away:length(), { nearest }
end

function collide.disc.polygon(a, b)
  local normal, depth, points = collide.polygon.disc(b, a)
  if normal then return -normal, depth, points end
end

local function least_overlap(a, b)
  local best, best_index = -math.huge, nil
  for i, normal in ipairs(a.normals) do
    local deepest = math.huge
    for _, corner in ipairs(b.world) do deepest = min(deepest, (corner - a.world[i]) * normal) end
    if deepest > 0 then return nil end
    if deepest > best then best, best_index = deepest, i end
  end
  return best, best_index
end

-- The edge of the other body that faces the normal, cut at the sides of the reference edge.
local function clip(points, origin, direction)
  local out = {}
  local first, second = points[1], points[2]
  if not second then return points end
  local d1, d2 = (first - origin) * direction, (second - origin) * direction
  if d1 >= 0 then out[#out + 1] = first end
  if d2 >= 0 then out[#out + 1] = second end
  if d1 * d2 < 0 then out[#out + 1] = first + (second - first) * (d1 / (d1 - d2)) end
  return out
end

function collide.polygon.polygon(a, b)
  local depth_a, edge_a = least_overlap(a, b)
  if not depth_a then return nil end
  local depth_b, edge_b = least_overlap(b, a)
  if not depth_b then return nil end
  local flipped = depth_b > depth_a + 1e-6
  local reference, other, edge, depth = a, b, edge_a, depth_a
  if flipped then reference, other, edge, depth = b, a, edge_b, depth_b end
  local normal = reference.normals[edge]
  local facing, least = nil, math.huge
  for i, candidate in ipairs(other.normals) do
    local product = candidate * normal
    if product < least then facing, least = i, product end
  end
  local from, to = reference.world[edge], reference.world[edge % #reference.world + 1]
  local points = { other.world[facing], other.world[facing % #other.world + 1] }
  points = clip(points, from, to - from)
  points = clip(points, to, from - to)
  local touching = {}
  for _, point in ipairs(points) do
    if (point - from) * normal <= 0 then touching[#touching + 1] = point end
  end
  return flipped and -normal or normal, -depth, touching
end

-- the world --------------------------------------------------------------------------------

local World = { gravity = Vector(0, -9.81), bounce = 0.2, friction = 0.4, rounds = 6 }
World.__index = World

function World.new() return setmetatable({ bodies = {}, ropes = {}, contacts = 0 }, World) end

function World:add(body)
  table.insert(self.bodies, body)
  body.id = #self.bodies
  return body
end

function World:tie(a, b, length)
  self.ropes[#self.ropes + 1] = { a = a, b = b, length = length }
end

function World:pairs_that_may_touch()
  local sorted = self.sorted or {}
  self.sorted = sorted
  for i = #sorted + 1, #self.bodies do sorted[i] = self.bodies[i] end
  table.sort(sorted, function(p, q)
    if p.left ~= q.left then return p.left < q.left end
    return p.id < q.id
  end)
  return coroutine.wrap(function()
    local active = {}
    for _, body in ipairs(sorted) do
      local kept = {}
      for _, other in ipairs(active) do
        if other.right >= body.left then
          kept[#kept + 1] = other
          if not (body.fixed and other.fixed) and other.top >= body.bottom
            and body.top >= other.bottom then
            coroutine.yield(other, body)
          end
        end
      end
      kept[#kept + 1] = body
      active = kept
    end
  end)
end

function World:resolve(contact)
  local a, b, normal = contact.a, contact.b, contact.normal
  for _, point in ipairs(contact.points) do
    local from_a, from_b = point - a.position, point - b.position
    local relative = b:velocity_at(from_b) - a:velocity_at(from_a)
    local closing = relative * normal
    if closing < 0 then
      local function resistance(direction)
        local turn_a, turn_b = from_a:cross(direction), from_b:cross(direction)
        return a.inverse_mass + b.inverse_mass + turn_a * turn_a * a.inverse_inertia
          + turn_b * turn_b * b.inverse_inertia
      end
      local bounce = closing < -1 and self.bounce or 0
      local amount = -(1 + bounce) * closing / resistance(normal) / #contact.points
      local impulse = normal * amount
      local tangent = (relative - normal * closing):normalized()
      local slip = -(relative * tangent) / resistance(tangent) / #contact.points
      local limit = amount * self.friction
      impulse = impulse + tangent * max(-limit, min(limit, slip))
      a:push(-impulse, from_a)
      b:push(impulse, from_b)
    end
  end
end

function World:pull(rope)
  local between = rope.b.position - rope.a.position
  local length = between:length()
  if length <= rope.length then return end
  local direction = between / length
  local total = rope.a.inverse_mass + rope.b.inverse_mass
  local apart = (rope.b.velocity - rope.a.velocity) * direction
  if apart > 0 then
    local impulse = direction * (apart / total)
    rope.a:push(impulse, Vector())
    rope.b:push(-impulse, Vector())
  end
  local shift = direction * ((length - rope.length) * 0.5 / total)
  rope.a.position = rope.a.position + shift * rope.a.inverse_mass
  rope.b.position = rope.b.position - shift * rope.b.inverse_mass
end

function World:step(seconds)
  for _, body in ipairs(self.bodies) do body:move(seconds, self.gravity) end
  local contacts = {}
  for a, b in self:pairs_that_may_touch() do
    local normal, depth, points = collide[a.kind][b.kind](a, b)
    if normal then
      contacts[#contacts + 1] = { a = a, b = b, normal = normal, depth = depth, points = points }
    end
  end
  for _ = 1, self.rounds do
    for _, contact in ipairs(contacts) do self:resolve(contact) end
    for _, rope in ipairs(self.ropes) do self:pull(rope) end
  end
  for _, contact in ipairs(contacts) do
    local a, b = contact.a, contact.b
    local total = a.inverse_mass + b.inverse_mass
    local correction = contact.normal * (max(contact.depth - 0.01, 0) * 0.4 / total)
    a.position = a.position - correction * a.inverse_mass
    b.position = b.position + correction * b.inverse_mass
  end
  self.contacts = self.contacts + #contacts
end

-- a scene ----------------------------------------------------------------------------------

local state = 12345
local function random(low, high)
  state = (state * 3877 + 29573) % 139968
  return low + (high - low) * state / 139968
end

local function box(width, height)
  return { Vector(-width, -height), Vector(width, -height), Vector(width, height),
    Vector(-width, height) }
end

local world = World.new()
world:add(Polygon.new({ position = Vector(0, -1), corners = box(12, 1), fixed = true }))
world:add(Polygon.new({ position = Vector(-11, 8), corners = box(1, 8), fixed = true }))
world:add(Polygon.new({ position = Vector(11, 8), corners = box(1, 8), fixed = true }))
world:add(Polygon.new({ position = Vector(-3, 4), corners = box(2, 0.2), fixed = true,
  direction = Vector(4, -1):normalized() }))
local anchor = world:add(Disc.new({ position = Vector(4, 9), radius = 0.3, fixed = true }))
local last = anchor
for i = 1, 5 do
  local position = Vector(4 + i * 0.8, 9)
  local bead = world:add(Disc.new({ position = position, radius = 0.25, density = 2 }))
  world:tie(last, bead, 0.8)
  last = bead
end
local function drop(number)
  local position = Vector(random(-7, 7), random(10, 14))
  if number % 3 == 0 then
    return Disc.new({ position = position, radius = random(0.3, 0.6) })
  elseif number % 3 == 1 then
    return Polygon.new({ position = position, corners = box(random(0.3, 0.6), random(0.2, 0.5)),
      direction = Vector(random(-1, 1), random(0.1, 1)):normalized() })
  end
  local size = random(0.4, 0.7)
  return Polygon.new({ position = position, velocity = Vector(random(-3, 3), 0),
    corners = { Vector(-size, -size / 2), Vector(size, -size / 2), Vector(0, size) } })
end

local dropped = 0
for step = 1, steps do
  if step % 8 == 1 and dropped < 28 then
    dropped = dropped + 1
    world:add(drop(dropped))
  end
  world:step(1 / 60)
end

local energy, deepest, nearest = 0, Vector(0, 100), nil
for _, body in ipairs(world.bodies) do
  energy = energy + body:energy()
  if not body.fixed then
    if body.position.y < deepest.y then deepest = body.position end
    if not nearest or body.position < nearest then nearest = body.position end
  end
end
print(("%d bodies, %d contacts, energy %.6f"):format(#world.bodies, world.contacts, energy))
print("deepest " .. tostring(deepest) .. ", nearest " .. tostring(nearest) .. ", last bead "
  .. tostring(last.position), deepest == nearest)
