-- Maps, ordered maps and sets: objects whose methods can be called as `object.method(x)` and as
-- `object:method(x)`.

-- The state of an object: its contents.
local states = setmetatable({}, { __mode = "k" })

local function check_key(name, key)
  if key == nil or key ~= key then
    error(string.format("bad argument #1 to '%s' (key expected, got %s)", name, tostring(key)), 3)
  end
  return key
end

-- Creates a class with these methods. They get the state and the object; a method is bound to its
-- object when it is first looked up.
local function class(name, methods)
  local metatable = { __name = name }
  function metatable.__index(object, key)
    local method = methods[key]
    if not method then return nil end
    local function bound(first, ...)
      local state = states[object]
      if rawequal(first, object) then return method(state, object, ...) end
      return method(state, object, first, ...)
    end
    rawset(object, key, bound)
    return bound
  end
  function metatable.__tostring(object)
    return string.format("%s of %d", name, states[object].size)
  end
  return metatable
end

-- Returns the state of an argument that is an object of a class.
local function state_of(object, metatable, name)
  if getmetatable(object) ~= metatable then
    error(string.format("bad argument #1 to '%s' (%s expected, got %s)", name, metatable.__name,
      type(object)), 3)
  end
  return states[object]
end

-- Maps keep their keys in a list, in the order in which they were added. `places` has the index of
-- each key; a removed one leaves a hole, until there are too many.
local map_methods = {}

local function new_map_state()
  return { size = 0, count = 0, keys = {}, places = {}, values = {} }
end

local function compact(state)
  local keys, count = {}, 0
  for i = 1, state.count do
    local key = state.keys[i]
    if key ~= nil then
      count = count + 1
      keys[count], state.places[key] = key, count
    end
  end
  state.keys, state.count = keys, count
end

local function put(state, key, value)
  if not state.places[key] then
    state.count, state.size = state.count + 1, state.size + 1
    state.keys[state.count], state.places[key] = key, state.count
  end
  state.values[key] = value
end

local function drop(state, key)
  local place = state.places[key]
  if not place then return end
  state.keys[place], state.places[key], state.values[key] = nil, nil, nil
  state.size = state.size - 1
  if state.count > 16 and state.size < state.count / 2 then compact(state) end
end

-- Iterates over every key in order, while nothing is added or removed.
local function keys_of(state)
  local place = 0
  return function()
    while place < state.count do
      place = place + 1
      local key = state.keys[place]
      if key ~= nil then return key end
    end
  end
end

function map_methods.set(state, object, key, value)
  check_key("set", key)
  if value == nil then drop(state, key) else put(state, key, value) end
  return object
end

function map_methods.get(state, _, key, default)
  local value = state.values[key]
  if value == nil then return default end
  return value
end

function map_methods.has(state, _, key)
  return state.values[key] ~= nil
end

function map_methods.remove(state, _, key)
  local value = state.values[key]
  if value ~= nil then drop(state, key) end
  return value
end

function map_methods.size(state)
  return state.size
end

function map_methods.clear(state)
  state.size, state.count, state.keys, state.places, state.values = 0, 0, {}, {}, {}
end

function map_methods.keys(state)
  local keys = {}
  for key in keys_of(state) do
    keys[#keys + 1] = key
  end
  return keys
end

function map_methods.values(state)
  local values = {}
  for key in keys_of(state) do
    values[#values + 1] = state.values[key]
  end
  return values
end

-- Iterates over the keys that exist at the start; those removed in between are skipped.
function map_methods.each(state)
  local keys, place = map_methods.keys(state), 0
  return function()
    while place < #keys do
      place = place + 1
      local value = state.values[keys[place]]
      if value ~= nil then return keys[place], value end
    end
  end
end

function map_methods.to_table(state)
  local t = {}
  for key, value in next, state.values do
    t[key] = value
  end
  return t
end

local map_class = class("map", map_methods)
local ordered_map_class = class("ordered_map", map_methods)

local function new_map(metatable)
  local object = setmetatable({}, metatable)
  states[object] = new_map_state()
  return object, states[object]
end

function tablex.map_new(t)
  local object, state = new_map(map_class)
  if t ~= nil then
    for key, value in each(check("table", 1, "map_new", t)) do
      put(state, key, value)
    end
  end
  return object
end

function tablex.ordered_map_new(pairs_list)
  local object, state = new_map(ordered_map_class)
  if pairs_list ~= nil then
    for i, pair in ipairs(check("table", 1, "ordered_map_new", pairs_list)) do
      if type(pair) ~= "table" or pair[1] == nil or pair[1] ~= pair[1] then
        wrong(1, "ordered_map_new", string.format("item %d is not a {key, value} pair", i))
      end
      if pair[2] ~= nil then put(state, pair[1], pair[2]) end
    end
  end
  return object
end

-- A set is a map whose values are true.
local set_methods = {}
local set_class = class("set", set_methods)

local function new_set()
  return new_map(set_class)
end

function set_methods.add(state, object, ...)
  for i = 1, select("#", ...) do
    put(state, check_key("add", (select(i, ...))), true)
  end
  return object
end

function set_methods.remove(state, _, value)
  local is_there = state.values[value] ~= nil
  if is_there then drop(state, value) end
  return is_there
end

set_methods.has = map_methods.has
set_methods.size = map_methods.size
set_methods.clear = map_methods.clear
set_methods.values = map_methods.keys

set_methods.each = map_methods.each

local function union(a, b)
  local object, state = new_set()
  for _, source in ipairs { a, b } do
    for key in keys_of(source) do
      put(state, key, true)
    end
  end
  return object
end

-- Returns the items of one set that are, or are not, in the other.
local function select_by(a, b, is_wanted)
  local object, state = new_set()
  for key in keys_of(a) do
    if (b.values[key] ~= nil) == is_wanted then put(state, key, true) end
  end
  return object
end

local function is_subset(a, b)
  for key in next, a.values do
    if b.values[key] == nil then return false end
  end
  return true
end

function set_methods.union(state, _, other)
  return union(state, state_of(other, set_class, "union"))
end

function set_methods.intersection(state, _, other)
  return select_by(state, state_of(other, set_class, "intersection"), true)
end

function set_methods.difference(state, _, other)
  return select_by(state, state_of(other, set_class, "difference"), false)
end

function set_methods.is_subset(state, _, other)
  return is_subset(state, state_of(other, set_class, "is_subset"))
end

local function operator(name, f)
  set_class["__" .. name] = function(a, b)
    return f(state_of(a, set_class, name), state_of(b, set_class, name))
  end
end

operator("add", union)
operator("mul", function(a, b) return select_by(a, b, true) end)
operator("sub", function(a, b) return select_by(a, b, false) end)
operator("le", is_subset)
operator("lt", function(a, b) return a.size < b.size and is_subset(a, b) end)
operator("eq", function(a, b) return a.size == b.size and is_subset(a, b) end)

function tablex.set_new(list)
  local object, state = new_set()
  if list ~= nil then
    for _, value in ipairs(check("table", 1, "set_new", list)) do
      put(state, value, true)
    end
  end
  return object
end
