-- Numeric kernel: five bodies under gravity, symplectic Euler steps.
local steps = (tonumber(arg and arg[1]) or 450) * 1000

local sqrt = math.sqrt
local solar_mass = 4 * math.pi * math.pi
local days = 365.24

local bodies = {
  { x = 0, y = 0, z = 0, vx = 0, vy = 0, vz = 0, mass = solar_mass },
  {
    x = 4.84, y = -1.16, z = -0.10, vx = 0.00166 * days, vy = 0.00770 * days, vz = -0.000069 * days,
    mass = 0.000954 * solar_mass,
  },
  {
    x = 8.34, y = 4.12, z = -0.40, vx = -0.00277 * days, vy = 0.00500 * days, vz = 0.000023 * days,
    mass = 0.000286 * solar_mass,
  },
  {
    x = 12.89, y = -15.11, z = -0.22, vx = 0.00296 * days, vy = 0.00238 * days,
    vz = -0.000030 * days, mass = 0.0000437 * solar_mass,
  },
  {
    x = 15.38, y = -25.92, z = 0.18, vx = 0.00268 * days, vy = 0.00163 * days,
    vz = -0.000095 * days, mass = 0.0000515 * solar_mass,
  },
}

local function advance(dt)
  local n = #bodies
  for i = 1, n do
    local a = bodies[i]
    local ax, ay, az, amass = a.x, a.y, a.z, a.mass
    local vx, vy, vz = a.vx, a.vy, a.vz
    for j = i + 1, n do
      local b = bodies[j]
      local dx, dy, dz = ax - b.x, ay - b.y, az - b.z
      local square = dx * dx + dy * dy + dz * dz
      local pull = dt / (square * sqrt(square))
      local bm = b.mass * pull
      vx, vy, vz = vx - dx * bm, vy - dy * bm, vz - dz * bm
      bm = amass * pull
      b.vx, b.vy, b.vz = b.vx + dx * bm, b.vy + dy * bm, b.vz + dz * bm
    end
    a.vx, a.vy, a.vz = vx, vy, vz
    a.x, a.y, a.z = ax + dt * vx, ay + dt * vy, az + dt * vz
  end
end

local function energy()
  local e = 0
  for i, a in ipairs(bodies) do
    e = e + 0.5 * a.mass * (a.vx * a.vx + a.vy * a.vy + a.vz * a.vz)
    for j = i + 1, #bodies do
      local b = bodies[j]
      local dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
      e = e - a.mass * b.mass / sqrt(dx * dx + dy * dy + dz * dz)
    end
  end
  return e
end

for _ = 1, steps do advance(0.01) end
print(string.format("%.9f", energy()))
