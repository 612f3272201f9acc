-- tablex: every function; suspensions inside callbacks; invalid arguments; independence of the
-- program's globals.
local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and tostring(message):find(text, 1, true), tostring(message))
end
local function same(a, b)
  assert(tablex.compare(a, b), tablex.pretty(a) .. " is not " .. tablex.pretty(b))
end

-- The program's globals do not matter.
local kept = { pairs = pairs, ipairs = ipairs, type = type, error = error }
pairs, ipairs, type, error, select = nil, nil, nil, nil, nil
local insert = table.insert
table.insert, table.remove, string.format = nil, nil, nil
same(tablex.keys { 1, 2 }, { 1, 2 })
pairs, ipairs, type, error, table.insert = kept.pairs, kept.ipairs, kept.type, kept.error, insert

-- copy, deepcopy, compare
local inner = { 1 }
local t = setmetatable({ inner, x = inner, [true] = 1 }, { __index = { y = 1 } })
local copy = tablex.copy(t)
assert(copy ~= t and copy[1] == inner and copy.x == inner and copy[true] == 1 and copy.y == nil)
local deep = tablex.deepcopy(t)
assert(deep[1] ~= inner and deep[1] == deep.x and deep[1][1] == 1 and deep.y == 1)
local cycle = {}
cycle.self, cycle[cycle] = cycle, 1
deep = tablex.deepcopy(cycle)
assert(deep.self == deep and deep[deep] == 1 and deep ~= cycle and tablex.deepcopy(5) == 5)
local nested = {}
for _ = 1, 1e5 do
  nested = { nested }
end
assert(tablex.compare(tablex.deepcopy(nested), nested))
assert(tablex.compare({ 1, { a = 2 } }, { 1, { a = 2 } })
  and not tablex.compare({ 1, { a = 2 } }, { 1, { a = 3 } }))
assert(not tablex.compare({ 1 }, { 1, 2 }) and not tablex.compare({ 1, 2 }, { 1 })
  and not tablex.compare({}, 1))
assert(tablex.compare(1, 1) and not tablex.compare(1, "1")
  and not tablex.compare({ 0 / 0 }, { 0 / 0 }))
local a, b = {}, {}
a[1], b[1] = b, a
assert(tablex.compare(a, b))

-- map, filter, reduce; they may wait
same(tablex.map({ 1, 2, 3, x = 4 }, function(value, key) return value .. "/" .. key end),
  { "1/1", "2/2", "3/3", x = "4/x" })
same(tablex.filter({ 1, 2, 3, 4, x = 5, y = 6 }, function(value) return value % 2 == 0 end),
  { 2, 4, y = 6 })
assert(tablex.reduce({ 1, 2, 3 }, function(a, b) return a + b end) == 6)
assert(tablex.reduce({ "b", "c" }, function(a, b, i) return a .. b .. i end, "a") == "ab1c2")
assert(tablex.reduce({}, print) == nil and tablex.reduce({}, print, 5) == 5
  and tablex.reduce({ 1 }, print) == 1)
assert(tablex.reduce({ 1, 2 }, function(a, b) return (a or 10) + b end, nil) == 13)
local thread = coroutine.wrap(function()
  return tablex.map({ 1, 2 }, function(value) return coroutine.yield(value) end)
end)
assert(thread() == 1 and thread("a") == 2)
same(thread("b"), { "a", "b" })
same(tablex.filter({ 1, 2, 3 }, function(value) sleep(0.001) return value > 1 end), { 2, 3 })
local callable = setmetatable({}, { __call = function(_, value) return -value end })
same(tablex.map({ 1, 2 }, callable), { -1, -2 })
fails("oh", tablex.map, { 1 }, function() error("oh") end)

-- flatten, keys, values
same(tablex.flatten { 1, { 2, { 3, {} } }, { { 4 } } }, { 1, 2, 3, 4 })
same(tablex.flatten({ 1, { 2, { 3 } } }, 1), { 1, 2, { 3 } })
same(tablex.flatten({ { 1 } }, 0), { { 1 } })
local twice = { 1 }
same(tablex.flatten { twice, twice }, { 1, 1 })
fails("bad argument #1 to 'flatten' (a list contains itself)", function()
  tablex.flatten(cycle[1] and {} or (function() local l = {} l[1] = l return l end)())
end)
same(tablex.keys { "a", "b", x = 1 }, { 1, 2, "x" })
same(tablex.values { "a", "b", x = 1 }, { "a", "b", 1 })
same(tablex.keys {}, {})

-- slice, concat, partition, rotate, shuffle
local list = { 1, 2, 3, 4, 5 }
same(tablex.slice(list, 2, 4), { 2, 3, 4 })
same(tablex.slice(list, -2), { 4, 5 })
same(tablex.slice(list, 1, -2), { 1, 2, 3, 4 })
same(tablex.slice(list, 1, nil, 2), { 1, 3, 5 })
same(tablex.slice(list, 0, 100), list)
same(tablex.slice(list, 4, 2), {})
same(tablex.concat({ 1 }, {}, { 2, 3 }), { 1, 2, 3 })
same(tablex.concat(), {})
same(tablex.partition(list, 2), { { 1, 2 }, { 3, 4 }, { 5 } })
local even, odd = tablex.partition(list, function(value) return value % 2 == 0 end)
same({ even, odd }, { { 2, 4 }, { 1, 3, 5 } })
same(tablex.rotate(list, 2), { 3, 4, 5, 1, 2 })
same(tablex.rotate(list, -1), { 5, 1, 2, 3, 4 })
same(tablex.rotate(list), { 2, 3, 4, 5, 1 })
same(tablex.rotate({}), {})
local shuffled = tablex.shuffle(list)
table.sort(shuffled)
same(shuffled, list)
local firsts = {}
for _ = 1, 200 do
  firsts[tablex.shuffle(list)[1]] = true
end
same(firsts, { true, true, true, true, true })

-- permute, combinations
same(tablex.permute { "a", "b", "c" }, {
  { "a", "b", "c" }, { "a", "c", "b" }, { "b", "a", "c" }, { "b", "c", "a" }, { "c", "a", "b" },
  { "c", "b", "a" },
})
same(tablex.permute {}, { {} })
same(tablex.permute { 1 }, { { 1 } })
assert(#tablex.permute { 1, 2, 3, 4, 5 } == 120)
same(tablex.combinations({ "a", "b", "c" }, 2), { { "a", "b" }, { "a", "c" }, { "b", "c" } })
same(tablex.combinations({ 1, 2 }, 0), { {} })
same(tablex.combinations({ 1, 2 }, 3), {})
same(tablex.combinations({ 1, 2 }, 2), { { 1, 2 } })
assert(#tablex.combinations({ 1, 2, 3, 4, 5, 6 }, 3) == 20)

-- array2d
local array = tablex.array2d_new(2, 3)
assert(array.rows == 2 and array.cols == 3 and tablex.array2d_get(array, 2, 3) == nil)
for i = 1, 2 do
  for j = 1, 3 do
    tablex.array2d_set(array, i, j, (i - 1) * 3 + j)
  end
end
assert(tablex.array2d_get(array, 2, 1) == 4)
same(tablex.array2d_transpose(array), { rows = 3, cols = 2, { 1, 4 }, { 2, 5 }, { 3, 6 } })
same(tablex.array2d_map(array, function(value, i, j) return value * 10 + i + j end),
  { rows = 2, cols = 3, { 12, 23, 34 }, { 43, 54, 65 } })
same(tablex.array2d_filter(array, function(value) return value > 3 and value % 2 == 0 end),
  { { 4, 6 } })
same(tablex.array2d_new(1, 2, 0), { rows = 1, cols = 2, { 0, 0 } })
same(tablex.array2d_transpose { { 1, 2 }, { 3, 4 } }, { rows = 2, cols = 2, { 1, 3 }, { 2, 4 } })
fails("bad argument #2 to 'array2d_get' (row 3 of 2 is out of bounds)", function()
  tablex.array2d_get(array, 3, 1)
end)
fails("bad argument #3 to 'array2d_set' (column 0 of 3 is out of bounds)", function()
  tablex.array2d_set(array, 1, 0, 1)
end)

-- Maps, ordered maps, sets: with a dot and with a colon
local map = tablex.map_new { a = 1 }
assert(map.get("a") == 1 and map:get("a") == 1 and map.get("b", 5) == 5 and map:has("a")
  and not map.has("b"))
assert(map:set("b", 2):set("c", 3) == map and map.size() == 3 and map:remove("b") == 2
  and map:remove("b") == nil)
same(map:to_table(), { a = 1, c = 3 })
assert(tostring(map) == "map of 2" and types.type(map) == "map")
map.clear()
assert(map:size() == 0 and #map.keys() == 0)
fails("bad argument #1 to 'set' (key expected, got nil)", function() map:set(nil, 1) end)
local ordered = tablex.ordered_map_new { { "z", 1 }, { "a", 2 } }
ordered:set("m", 3):set("z", 4)
same(ordered:keys(), { "z", "a", "m" })
same(ordered.values(), { 4, 2, 3 })
for i = 1, 100 do
  ordered:set(i, i)
end
for i = 1, 99 do
  ordered:remove(i)
end
ordered:set("last", 0)
same(ordered:keys(), { "z", "a", "m", 100, "last" })
local seen = {}
for key, value in ordered:each() do
  seen[#seen + 1] = key
  ordered:remove("m")
  ordered:set("new" .. value, 1)
end
same(seen, { "z", "a", 100, "last" })
fails("bad argument #1 to 'ordered_map_new' (item 2 is not a {key, value} pair", function()
  tablex.ordered_map_new { { 1, 2 }, {} }
end)
local set, other = tablex.set_new { 1, 2, 3, 2 }, tablex.set_new { 3, 4 }
assert(set.size() == 3 and set:has(2) and not set.has(4) and set:add(4, 5) == set and set:remove(5)
  and not set.remove(5))
same(set:union(other):values(), { 1, 2, 3, 4 })
same((set * other):values(), { 3, 4 })
same((set - other):values(), { 1, 2 })
same((other + tablex.set_new { "x" }).values(), { 3, 4, "x" })
assert(other:is_subset(set) and other <= set and other < set and not (set <= other)
  and set == tablex.set_new { 4, 3, 2, 1 })
local count = 0
for value in set:each() do
  count = count + value
end
assert(count == 10)
fails("bad argument #1 to 'union' (set expected, got table)", function() set:union {} end)

-- pretty and load
assert(tablex.pretty {} == "{}" and tablex.pretty { 1, "a", true } == '{1, "a", true}'
  and tablex.pretty(5) == "5")
assert(tablex.pretty { name = "x", [1] = 1, [-1] = 2, ["end"] = 3, list = { 1, 2 } } ==
  '{\n  1,\n  [-1] = 2,\n  ["end"] = 3,\n  list = {1, 2},\n  name = "x",\n}',
  tablex.pretty { name = "x", [1] = 1, [-1] = 2, ["end"] = 3, list = { 1, 2 } })
assert(tablex.pretty({ a = { b = 1 } }, 4) == "{\n    a = {\n        b = 1,\n    },\n}")
assert(tablex.pretty({ a = 1 }, "\t") == "{\n\ta = 1,\n}")
assert(tablex.pretty(cycle):find("self = <cycle>", 1, true)
  and tablex.pretty { print }:find("<function: 0x", 1, true))
local values = {
  0.1, 1e300, -0.5, 1 / 3, "\n\"\\\0\0011\r\200", true,
  { x = { y = { 1, 2, { z = "z" } } }, [1.5] = 2, ["a b"] = 1 }, "\0" .. "7",
}
same(tablex.load(tablex.pretty(values)), values)
assert(tablex.load("return { 1 }")[1] == 1 and tablex.load("{ inf = 1/0 }").inf == math.huge)
local result, message = tablex.load("{ a = ")
assert(result == nil and message:find("table:1: ", 1, true), message)
result, message = tablex.load("print('x')")
assert(result == nil and message:find("attempt to call global 'print'", 1, true), message)
result, message = tablex.load("5")
assert(result == nil and message == "table expected, got number")
local path = os.tmpname()
write_file(path, "-- a comment\nreturn { 1, 2 }")
same(tablex.loadfile(path), { 1, 2 })
write_file(path, "{ 1, 2 }")
same(tablex.loadfile(path), { 1, 2 })
write_file(path, "{ 1, ")
result, message = tablex.loadfile(path)
assert(result == nil and message:find(path .. ":1: ", 1, true), message)
remove(path)
result, message = tablex.loadfile(path)
assert(result == nil and message == path .. ": No such file or directory")

-- Invalid arguments: the message names them, and the position.
for name, f in pairs(tablex) do
  if not name:find("_new$") and name ~= "deepcopy" and name ~= "compare" and name ~= "concat"
    and name ~= "pretty" then
    local at = "tablex.lua:" .. debug.getinfo(1, "l").currentline + 1
    fails(at .. ": bad argument #1 to '" .. name .. "' (", function() f(print) end)
  end
end
fails("bad argument #2 to 'map' (function expected, got no value)", function() tablex.map({}) end)
fails("bad argument #2 to 'slice' (number has a fraction)", function() tablex.slice({}, 1.5) end)
fails("bad argument #2 to 'partition' (size must be positive)", function()
  tablex.partition({}, 0)
end)
fails("bad argument #2 to 'concat' (table expected, got number)", function()
  tablex.concat({}, 1)
end)
fails("bad argument #1 to 'map_new' (table expected, got number)", function() tablex.map_new(1) end)
fails("bad argument #2 to 'combinations' (number expected, got no value)", function()
  tablex.combinations {}
end)
