---@meta

---Table helpers: copies, maps, filters, slices, sets, grids. The given tables are not changed
---(except by `array2d_set`); lists are tables with the keys 1 to n. Where the order matters, the
---list part of a table comes first, in order, and then the other keys, in no particular order.
---Function arguments may wait, and may be any callable value.
---@class tablex
tablex = {}

---A table with the same keys and values, without the metatable.
---
---```lua
---local t = { a = 1, inner = {} }
---local copy = tablex.copy(t)
---assert(copy ~= t and copy.a == 1 and copy.inner == t.inner)
---```
---@param t table
---@return table
function tablex.copy(t) end

---A deep copy of a table, including its keys, with the same metatables. Values that occur
---repeatedly in it, and cycles, are preserved. Any other value is returned unchanged.
---
---```lua
---local t = { inner = { 1 } }
---local copy = tablex.deepcopy(t)
---assert(copy.inner ~= t.inner and copy.inner[1] == 1)
---```
---@param value any
---@return any
function tablex.deepcopy(value) end

---Whether two values are equal; tables are equal if they have the same keys and equal values.
---Metatables are ignored, except `__eq`.
---
---```lua
---assert(tablex.compare({ 1, { x = 2 } }, { 1, { x = 2 } }))
---assert(not tablex.compare({ 1, 2 }, { 1 }))
---```
---@param a any
---@param b any
---@return boolean
function tablex.compare(a, b) end

---The results of a function for each value, under the same keys.
---
---```lua
---local doubled = tablex.map({ 1, 2, x = 3 }, function(value) return value * 2 end)
---assert(doubled[2] == 4 and doubled.x == 6)
---```
---@param t table
---@param f fun(value: any, key: any): any
---@return table
function tablex.map(t, f) end

---The values for which a function returns true. List items are closed up, other values keep their
---keys.
---
---```lua
---local even = tablex.filter({ 1, 2, 3, 4, x = 6 }, function(value) return value % 2 == 0 end)
---assert(even[1] == 2 and even[2] == 4 and even.x == 6)
---```
---@param t table
---@param f fun(value: any, key: any): any
---@return table
function tablex.filter(t, f) end

---Combines all values with a function, starting with `initial` or, if that is missing, the first
---value. nil if there are no values at all.
---
---```lua
---local function add(sum, value) return sum + value end
---assert(tablex.reduce({ 1, 2, 3 }, add) == 6)
---assert(tablex.reduce({}, add, 0) == 0)
---```
---@param t table
---@param f fun(result: any, value: any, key: any): any
---@param initial? any
---@return any
function tablex.reduce(t, f, initial) end

---The items of a list and of the lists in it, as one list. A list that contains itself is an error.
---
---```lua
---assert(#tablex.flatten({ 1, { 2, { 3, 4 } } }) == 4)
---assert(#tablex.flatten({ 1, { 2, { 3, 4 } } }, 1) == 3)
---```
---@param list table
---@param depth? number the maximum depth (default: no limit)
---@return any[]
function tablex.flatten(list, depth) end

---The keys of a table.
---
---```lua
---assert(tablex.keys({ x = 1 })[1] == "x")
---```
---@param t table
---@return any[]
function tablex.keys(t) end

---The values of a table.
---
---```lua
---assert(tablex.values({ x = 1 })[1] == 1)
---```
---@param t table
---@return any[]
function tablex.values(t) end

---A value as Lua source, for people and for `tablex.load`. Keys are sorted; short lists are written
---in one line. Values without such a form (functions, a table inside itself, objects with
---`__tostring`) are shown in angle brackets.
---
---```lua
---assert(tablex.pretty({ 1, 2, 3 }) == "{1, 2, 3}")
---assert(tablex.pretty({ name = "test", list = { 1 } }) == '{\n  list = {1},\n  name = "test",\n}')
---```
---@param value any
---@param indent? number|string the number of spaces for each level, or the string itself (default 2)
---@return string
function tablex.pretty(value, indent) end

---Reads a table from Lua source: an expression, or a chunk that returns it. The source has no
---access to globals.
---
---```lua
---assert(tablex.load("{ a = 1, list = { 1, 2 } }").list[2] == 2)
---
---local nothing, message = tablex.load("{ a = ")
---assert(nothing == nil and message:find("table:1:", 1, true))
---```
---@param text string
---@return table? t nil if the source is invalid, or its value is not a table
---@return string? message
function tablex.load(text) end

---The same for a file.
---
---```lua
---write_file("data.lua", "return { version = 3 }")
---assert(tablex.loadfile("data.lua").version == 3)
---assert(tablex.loadfile("missing.lua") == nil)
---```
---@param path string
---@return table? t nil if the file cannot be read, or its value is not a table
---@return string? message
function tablex.loadfile(path) end

---A part of a list. Negative positions count from the end.
---
---```lua
---assert(tablex.pretty(tablex.slice({ 1, 2, 3, 4, 5 }, 2, 4)) == "{2, 3, 4}")
---assert(tablex.pretty(tablex.slice({ 1, 2, 3, 4, 5 }, -2)) == "{4, 5}")
---assert(tablex.pretty(tablex.slice({ 1, 2, 3, 4, 5 }, 1, nil, 2)) == "{1, 3, 5}")
---```
---@param list any[]
---@param first? number default 1
---@param last? number default the last item
---@param step? number default 1
---@return any[]
function tablex.slice(list, first, last, step) end

---The concatenation of lists. (`table.concat` makes strings.)
---
---```lua
---assert(tablex.pretty(tablex.concat({ 1 }, { 2, 3 })) == "{1, 2, 3}")
---```
---@param ... any[]
---@return any[]
function tablex.concat(...) end

---With a number: a list of parts with that many items, the last one with the rest. With a function:
---two lists, of the items for which it returns true and of the others.
---
---```lua
---assert(tablex.partition({ 1, 2, 3 }, 2)[2][1] == 3)
---local even, odd = tablex.partition({ 1, 2, 3 }, function(value) return value % 2 == 0 end)
---assert(even[1] == 2 and odd[2] == 3)
---```
---@param list any[]
---@param by number|fun(value: any, index: number): any
---@return any[]
---@return any[]?
function tablex.partition(list, by) end

---A list that starts `count` items later; the items before move to the end. Negative numbers rotate
---in the other direction.
---
---```lua
---assert(tablex.pretty(tablex.rotate({ 1, 2, 3 }, 1)) == "{2, 3, 1}")
---assert(tablex.pretty(tablex.rotate({ 1, 2, 3 }, -1)) == "{3, 1, 2}")
---```
---@param list any[]
---@param count? number default 1
---@return any[]
function tablex.rotate(list, count) end

---The items of a list in random order (of the operating system's generator: `math.randomseed` has
---no effect).
---
---```lua
---assert(#tablex.shuffle({ 1, 2, 3 }) == 3)
---```
---@param list any[]
---@return any[]
function tablex.shuffle(list) end

---All permutations of a list. Ten items have 3628800.
---
---```lua
---assert(#tablex.permute({ "a", "b", "c" }) == 6)
---```
---@param list any[]
---@return any[][]
function tablex.permute(list) end

---All combinations of `size` items of a list, each in the list's order.
---
---```lua
---assert(tablex.pretty(tablex.combinations({ "a", "b", "c" }, 2)[3]) == '{"b", "c"}')
---```
---@param list any[]
---@param size number
---@return any[][]
function tablex.combinations(list, size) end

---A new array of rows and columns: a list of rows, with their numbers in the fields `rows` and
---`cols`. The other functions accept any list of rows of the same length.
---
---```lua
---local array = tablex.array2d_new(2, 3, 0)
---assert(array.rows == 2 and array.cols == 3 and array[2][3] == 0)
---```
---@param rows number
---@param cols number
---@param initial? any what is in each place; default nil
---@return table
function tablex.array2d_new(rows, cols, initial) end

---The value at a position. A position outside the array is an error.
---
---```lua
---assert(tablex.array2d_get({ { 1, 2 }, { 3, 4 } }, 2, 1) == 3)
---assert(not pcall(tablex.array2d_get, { { 1, 2 } }, 2, 1))
---```
---@param array table
---@param row number
---@param col number
---@return any
function tablex.array2d_get(array, row, col) end

---Sets the value at a position. A position outside the array is an error.
---
---```lua
---local array = tablex.array2d_new(2, 2)
---tablex.array2d_set(array, 1, 2, "x")
---assert(array[1][2] == "x")
---```
---@param array table
---@param row number
---@param col number
---@param value any
function tablex.array2d_set(array, row, col, value) end

---An array of the results of a function for each position.
---
---```lua
---local sums = tablex.array2d_map({ { 1, 2 }, { 3, 4 } }, function(value, row, col)
---  return value + row + col
---end)
---assert(sums[2][2] == 8)
---```
---@param array table
---@param f fun(value: any, row: number, col: number): any
---@return table
function tablex.array2d_map(array, f) end

---The values for which a function returns true, row by row; rows without any are omitted.
---
---```lua
---local large = tablex.array2d_filter({ { 1, 2 }, { 3, 4 } }, function(value) return value > 2 end)
---assert(#large == 1 and large[1][2] == 4)
---```
---@param array table
---@param f fun(value: any, row: number, col: number): any
---@return any[][]
function tablex.array2d_filter(array, f) end

---An array with rows and columns exchanged.
---
---```lua
---assert(tablex.array2d_transpose({ { 1, 2 }, { 3, 4 } })[1][2] == 3)
---```
---@param array table
---@return table
function tablex.array2d_transpose(array) end

---A map: keys with values and methods, which can be called with a dot or a colon. Unlike a table it
---has a size.
---
---```lua
---local map = tablex.map_new({ a = 1 })
---map:set("b", 2):set("a", nil)
---assert(map.get("b") == 2 and map.get("a", 0) == 0 and map.size() == 1)
---for key, value in map:each() do
---    assert(key == "b" and value == 2)
---end
---```
---@param t? table what it contains at first
---@return tablex_map
function tablex.map_new(t) end

---A map that keeps the order in which keys were added.
---
---```lua
---local map = tablex.ordered_map_new({ { "z", 1 }, { "a", 2 } })
---map:set("m", 3)
---assert(table.concat(map:keys(), " ") == "z a m")
---```
---@param pairs? any[][] a list of keys with values
---@return tablex_map
function tablex.ordered_map_new(pairs) end

---A set of values. `a + b`, `a * b`, `a - b` are union, intersection and difference, `a <= b` is
---whether it is a subset, `a == b` whether both contain the same values.
---
---```lua
---local set = tablex.set_new({ 1, 2, 3 })
---set:add(4, 5)
---assert(set:has(4) and set:remove(5) and set.size() == 4)
---assert((set * tablex.set_new({ 4, 9 })):values()[1] == 4)
---assert(tablex.set_new({ 1 }) <= set and set == tablex.set_new({ 4, 3, 2, 1 }))
---```
---@param list? any[] what it contains at first
---@return tablex_set
function tablex.set_new(list) end

---The result of `tablex.map_new` and `tablex.ordered_map_new`.
---@class tablex_map
local Map = {}

---Sets the value of a key; nil removes it. Returns the map.
---@param key any neither nil nor NaN
---@param value any
---@return tablex_map
function Map:set(key, value) end

---The value of a key, or `default`.
---@param key any
---@param default? any
---@return any
function Map:get(key, default) end

---Whether a key exists.
---@param key any
---@return boolean
function Map:has(key) end

---Removes a key and returns its value.
---@param key any
---@return any
function Map:remove(key) end

---The number of keys.
---@return number
function Map:size() end

---Removes all keys.
function Map:clear() end

---The keys, as a list.
---@return any[]
function Map:keys() end

---The values, as a list.
---@return any[]
function Map:values() end

---Iterates over the keys that exist at the start, with their values; keys removed in the meantime
---are skipped.
---@return fun(): any, any
function Map:each() end

---A table with the same keys and values.
---@return table
function Map:to_table() end

---The result of `tablex.set_new`.
---@class tablex_set
local Set = {}

---Adds values; returns the set.
---@param ... any neither nil nor NaN
---@return tablex_set
function Set:add(...) end

---Removes a value. Returns whether it was in the set.
---@param value any
---@return boolean
function Set:remove(value) end

---Whether a value is in the set.
---@param value any
---@return boolean
function Set:has(value) end

---The number of values.
---@return number
function Set:size() end

---Removes all values.
function Set:clear() end

---The values, as a list, in the order in which they were added.
---@return any[]
function Set:values() end

---Iterates over the values that exist at the start; values removed in the meantime are skipped.
---@return fun(): any
function Set:each() end

---The union: values in either set.
---@param other tablex_set
---@return tablex_set
function Set:union(other) end

---The intersection: values in both sets.
---@param other tablex_set
---@return tablex_set
function Set:intersection(other) end

---The difference: values in this set but not in the other.
---@param other tablex_set
---@return tablex_set
function Set:difference(other) end

---Whether all values of this set are in the other.
---@param other tablex_set
---@return boolean
function Set:is_subset(other) end
