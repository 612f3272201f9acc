-- A dungeon that plays itself: rooms joined by corridors, a hero who looks for treasure and the
-- stairs, monsters with tempers and tactics. Cells are kept under keys such as "12,7"; paths by A*,
-- sight along straight lines; classes with inheritance; the events are written to a log.
local limit = (tonumber(arg and arg[1]) or 50) * 60

---------------------------------------------------------------------------------------------------
-- Classes

local function class(name, parent)
  local new = { name = name, parent = parent }
  new.__index = new
  if parent then
    -- Metamethods are not inherited by themselves.
    for key, value in pairs(parent) do
      if type(key) == "string" and key:sub(1, 2) == "__" and key ~= "__index" then
        new[key] = value
      end
    end
  end
  return setmetatable(new, {
    __index = parent,
    __call = function(self, ...)
      local object = setmetatable({}, self)
      object:initialize(...)
      return object
    end,
  })
end

local function isInstance(object, wanted)
  local current = getmetatable(object)
  while current do
    if current == wanted then return true end
    current = current.parent
  end
  return false
end

---------------------------------------------------------------------------------------------------
-- Helpers

local seed = 31337
local function random(low, high)
  seed = (seed * 16807) % 2147483647
  return low + seed % (high - low + 1)
end

local function choose(list) return list[random(1, #list)] end

local function keyOf(x, y) return x .. "," .. y end

local function sign(number)
  if number > 0 then return 1 elseif number < 0 then return -1 end
  return 0
end

local log = { lines = 0, checksum = 0, recent = {} }
local function say(pattern, ...)
  local arguments = { ... }
  for index, argument in ipairs(arguments) do
    -- Objects know how they are written, but string.format does not ask them.
    if type(argument) == "table" then arguments[index] = tostring(argument) end
  end
  local line = string.format(pattern, unpack(arguments))
  log.lines = log.lines + 1
  for i = 1, #line do log.checksum = (log.checksum * 31 + line:byte(i)) % 1000000007 end
  table.insert(log.recent, line)
  if #log.recent > 6 then table.remove(log.recent, 1) end
end

---------------------------------------------------------------------------------------------------
-- Maps

local directions = { { 1, 0 }, { 0, 1 }, { -1, 0 }, { 0, -1 } }

local Map = class("Map")

function Map:initialize(width, height)
  self.width, self.height = width, height
  self.floor, self.rooms, self.beings, self.items = {}, {}, {}, {}
end

function Map:dig(x, y)
  local key = keyOf(x, y)
  if not self.floor[key] then self.floor[key] = { x = x, y = y, key = key, cost = 1 } end
  return self.floor[key]
end

function Map:digRoom(room)
  for y = room.top, room.top + room.height - 1 do
    for x = room.left, room.left + room.width - 1 do self:dig(x, y) end
  end
end

function Map:overlaps(room)
  for _, other in ipairs(self.rooms) do
    if room.left <= other.left + other.width and other.left <= room.left + room.width
      and room.top <= other.top + other.height and other.top <= room.top + room.height then
      return true
    end
  end
  return false
end

function Map:build(attempts)
  for _ = 1, attempts do
    local width, height = random(3, 9), random(3, 6)
    local room = {
      left = random(1, self.width - width), top = random(1, self.height - height),
      width = width, height = height,
    }
    if not self:overlaps(room) then
      room.x = room.left + math.floor(width / 2)
      room.y = room.top + math.floor(height / 2)
      table.insert(self.rooms, room)
    end
  end
  table.sort(self.rooms, function(a, b)
    if a.x ~= b.x then return a.x < b.x end
    return a.y < b.y
  end)
  for index, room in ipairs(self.rooms) do
    self:digRoom(room)
    local before = self.rooms[index - 1]
    if before then
      local x, y = before.x, before.y
      while x ~= room.x do
        self:dig(x, y)
        x = x + sign(room.x - x)
      end
      while y ~= room.y do
        self:dig(x, y)
        y = y + sign(room.y - y)
      end
    end
  end
  -- Water is slower to cross.
  for _ = 1, 25 do
    local cell = self:cell(random(1, self.width), random(1, self.height))
    if cell then cell.cost = 3 end
  end
end

function Map:cell(x, y) return self.floor[keyOf(x, y)] end

function Map:neighbours(cell)
  local index = 0
  return function()
    while index < 4 do
      index = index + 1
      local step = directions[index]
      local near = self.floor[keyOf(cell.x + step[1], cell.y + step[2])]
      if near then return near end
    end
  end
end

function Map:randomCell()
  local room = choose(self.rooms)
  return self:cell(room.left + random(0, room.width - 1), room.top + random(0, room.height - 1))
end

-- A*: the open list is kept sorted by estimates, with the best at its end.
function Map:findPath(from, to, avoid)
  local open, closed, came = {}, {}, {}
  local costs, estimates = { [from.key] = 0 }, {}
  local function estimate(cell) return math.abs(cell.x - to.x) + math.abs(cell.y - to.y) end
  local function insert(cell)
    local value = estimates[cell.key]
    local low, high = 1, #open + 1
    while low < high do
      local middle = math.floor((low + high) / 2)
      if estimates[open[middle].key] < value then high = middle else low = middle + 1 end
    end
    table.insert(open, low, cell)
  end
  estimates[from.key] = estimate(from)
  insert(from)
  local visited = 0
  while #open > 0 do
    local cell = table.remove(open)
    if cell == to then
      local path = {}
      while cell ~= from do
        table.insert(path, 1, cell)
        cell = came[cell.key]
      end
      return path, costs[to.key], visited
    end
    if not closed[cell.key] then
      closed[cell.key] = true
      visited = visited + 1
      for near in self:neighbours(cell) do
        local cost = costs[cell.key] + near.cost
        if avoid and near ~= to and avoid(near) then cost = cost + 20 end
        local known = costs[near.key]
        if not closed[near.key] and (not known or cost < known) then
          if known then
            for i = 1, #open do
              if open[i] == near then
                table.remove(open, i)
                break
              end
            end
          end
          costs[near.key] = cost
          came[near.key] = cell
          estimates[near.key] = cost + estimate(near)
          insert(near)
        end
      end
    end
  end
  return nil
end

-- Follows a straight line between two cells; both see each other if all of it is floor.
function Map:canSee(a, b)
  local dx, dy = math.abs(b.x - a.x), math.abs(b.y - a.y)
  local x, y, balance = a.x, a.y, dx - dy
  while x ~= b.x or y ~= b.y do
    if not self.floor[keyOf(x, y)] then return false end
    local doubled = 2 * balance
    if doubled > -dy then
      balance = balance - dy
      x = x + sign(b.x - x)
    end
    if doubled < dx then
      balance = balance + dx
      y = y + sign(b.y - y)
    end
  end
  return true
end

function Map:beingAt(cell) return self.beings[cell.key] end

---------------------------------------------------------------------------------------------------
-- Things to find

local Item = class("Item")
function Item:initialize(title, worth) self.title, self.worth = title, worth end
Item.__tostring = function(self) return self.title .. " (" .. self.worth .. ")" end
Item.__lt = function(a, b)
  if a.worth ~= b.worth then return a.worth < b.worth end
  return a.title < b.title
end

local Potion = class("Potion", Item)
function Potion:initialize(strength)
  Item.initialize(self, (strength > 6 and "great " or "") .. "potion of healing", strength * 3)
  self.strength = strength
end
function Potion:use(being)
  being.health = math.min(being.limit, being.health + self.strength)
  say("%s drinks a %s and has %d health", being, self, being.health)
  return true
end

local Weapon = class("Weapon", Item)
function Weapon:initialize(title, damage)
  Item.initialize(self, title, damage * 10)
  self.damage = damage
end

---------------------------------------------------------------------------------------------------
-- Beings

local Being = class("Being")
Being.__tostring = function(self) return self.title end

function Being:initialize(title, health, strength)
  self.title, self.health, self.limit, self.strength = title, health, health, strength
  self.bag = {}
end

function Being:enter(map, cell)
  self.map, self.cell = map, cell
  map.beings[cell.key] = self
end

function Being:moveTo(cell)
  if self.map:beingAt(cell) then return false end
  self.map.beings[self.cell.key] = nil
  self:enter(self.map, cell)
  return true
end

function Being:damage() return random(1, self.strength) end

function Being:attack(other)
  local damage = math.max(0, self:damage() - other:defence())
  other.health = other.health - damage
  say("%s hits %s for %d", self, other, damage)
  if other.health <= 0 then other:die(self) end
end

function Being:defence() return 0 end

function Being:die(killer)
  self.dead = true
  self.map.beings[self.cell.key] = nil
  say("%s is killed by %s", self, killer)
  for _, item in ipairs(self.bag) do self:drop(item) end
end

function Being:drop(item)
  local items = self.map.items
  items[self.cell.key] = items[self.cell.key] or {}
  table.insert(items[self.cell.key], item)
end

local Monster = class("Monster", Being)
Monster.sight = 8

function Monster:initialize(title, level)
  Being.initialize(self, title, 4 + level, 3 + math.floor(level / 4))
  if random(1, 3) == 1 then table.insert(self.bag, Potion(random(4, 9))) end
end

function Monster:wander()
  local choices = {}
  for near in self.map:neighbours(self.cell) do table.insert(choices, near) end
  if #choices > 0 then self:moveTo(choose(choices)) end
end

function Monster:chase(hero)
  local path = self.map:findPath(self.cell, hero.cell, function(cell)
    return self.map:beingAt(cell) ~= nil
  end)
  if path and #path == 1 then
    self:attack(hero)
  elseif path then
    self:moveTo(path[1])
  end
end

function Monster:notices(hero)
  local dx, dy = hero.cell.x - self.cell.x, hero.cell.y - self.cell.y
  return dx * dx + dy * dy <= self.sight * self.sight and self.map:canSee(self.cell, hero.cell)
end

function Monster:act(hero)
  if self:notices(hero) then self:chase(hero) else self:wander() end
end

local Goblin = class("Goblin", Monster)
function Goblin:initialize(level)
  Monster.initialize(self, "goblin", level)
  if random(1, 2) == 1 then
    table.insert(self.bag, Weapon(choose({ "knife", "club", "sword", "axe" }), random(2, 5)))
  end
end
function Goblin:act(hero)
  if self.health < 3 and self:notices(hero) then
    local best, most = nil, 0
    for near in self.map:neighbours(self.cell) do
      local distance = math.abs(near.x - hero.cell.x) + math.abs(near.y - hero.cell.y)
      if distance > most and not self.map:beingAt(near) then best, most = near, distance end
    end
    if best then return self:moveTo(best) end
  end
  return Monster.act(self, hero)
end

local Ghost = class("Ghost", Monster)
Ghost.sight = 12
function Ghost:initialize(level) Monster.initialize(self, "ghost", level) end
function Ghost:defence() return random(0, 1) end
function Ghost:notices(hero) return random(1, 4) > 1 and Monster.notices(self, hero) end

local Ogre = class("Ogre", Monster)
function Ogre:initialize(level)
  Monster.initialize(self, "ogre", level + 6)
  self.tired = false
end
function Ogre:act(hero)
  self.tired = not self.tired
  if not self.tired then Monster.act(self, hero) end
end
function Ogre:damage() return Monster.damage(self) + 2 end

local Hero = class("Hero", Being)
function Hero:initialize(title)
  Being.initialize(self, title, 60, 6)
  self.gold, self.kills, self.steps = 0, 0, 0
end

function Hero:damage()
  return Being.damage(self) + (self.weapon and self.weapon.damage or 0)
end
function Hero:defence() return 1 end

function Hero:pickUp()
  local items = self.map.items[self.cell.key]
  if not items then return end
  self.map.items[self.cell.key] = nil
  for _, item in ipairs(items) do
    if isInstance(item, Weapon) and (not self.weapon or self.weapon < item) then
      say("%s takes the %s", self, item)
      self.weapon = item
    elseif isInstance(item, Potion) then
      table.insert(self.bag, item)
      table.sort(self.bag)
    else
      self.gold = self.gold + item.worth
    end
  end
end

function Hero:act(goal)
  for _, step in ipairs(directions) do
    local near = self.map:cell(self.cell.x + step[1], self.cell.y + step[2])
    local other = near and self.map:beingAt(near)
    if other then
      self:attack(other)
      if other.dead then self.kills = self.kills + 1 end
      return
    end
  end
  if self.health < 25 and #self.bag > 0 then return table.remove(self.bag):use(self) end
  local path = self.map:findPath(self.cell, goal)
  if not path then error({ message = "no way to the goal on level " .. self.map.level }) end
  if path[1] and self:moveTo(path[1]) then
    self.steps = self.steps + 1
    self:pickUp()
  end
end

---------------------------------------------------------------------------------------------------
-- The game

local function playLevel(hero, level, most)
  local map = Map(48, 20)
  map.level = level
  map:build(40)
  local kinds = { Goblin, Goblin, Ghost, Ogre }
  local monsters = {}
  for _ = 1, 4 + math.min(level, 6) do
    local cell = map:randomCell()
    if not map:beingAt(cell) then
      local monster = choose(kinds)(level % 8)
      monster:enter(map, cell)
      table.insert(monsters, monster)
    end
  end
  local goals = {}
  for index = 1, 3 do
    goals[index] = map:randomCell()
    map.items[goals[index].key] = { Item("gold", random(5, 50)) }
  end
  local stairs = map:cell(map.rooms[#map.rooms].x, map.rooms[#map.rooms].y)
  table.insert(goals, stairs)
  local start = map:cell(map.rooms[1].x, map.rooms[1].y)
  if map:beingAt(start) then map:beingAt(start):die(hero) end
  hero:enter(map, start)

  local turn = 0
  while #goals > 0 and not hero.dead and turn < most do
    turn = turn + 1
    hero:act(goals[1])
    if hero.cell == goals[1] then table.remove(goals, 1) end
    for index = #monsters, 1, -1 do
      local monster = monsters[index]
      if monster.dead then
        table.remove(monsters, index)
      elseif not hero.dead then
        monster:act(hero)
      end
    end
  end
  local cells, water = 0, 0
  for _, cell in pairs(map.floor) do
    cells = cells + 1
    if cell.cost > 1 then water = water + 1 end
  end
  say("level %d: %d rooms, %d cells (%d of water), %d turns, %d monsters left", level, #map.rooms,
    cells, water, turn, #monsters)
  return turn
end

local heroes, levels, deepest, turns = 0, 0, 0, 0
local hero, depth
while turns < limit do
  if not hero or hero.dead then
    heroes = heroes + 1
    hero, depth = Hero("hero " .. heroes), 0
  end
  levels, depth = levels + 1, depth + 1
  local ok, result = pcall(playLevel, hero, depth, math.min(limit - turns, 300))
  if not ok then error(type(result) == "table" and result.message or result, 0) end
  turns = turns + result
  deepest = math.max(deepest, depth)
end
for _, line in ipairs(log.recent) do print(line) end
print(("%s: %d health, %d gold, %d kills, %d steps, %s"):format(tostring(hero), hero.health,
  hero.gold, hero.kills, hero.steps, tostring(hero.weapon)))
print(("%d levels, %d heroes, deepest %d, %d turns, %d lines, checksum %d"):format(levels, heroes,
  deepest, turns, log.lines, log.checksum))
