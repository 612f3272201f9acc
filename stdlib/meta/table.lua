---@meta

---Functions on tables, most of them on lists (Lua 5.1, section 5.5).
---@class table
table = {}

---Concatenates the strings and numbers of a list.
---
---```lua
---assert(table.concat({ 1, "two", 3 }, ", ") == "1, two, 3")
---assert(table.concat({ "a", "b", "c" }, "", 2, 3) == "bc")
---```
---@param list any[]
---@param separator? string
---@param first? number
---@param last? number
---@return string
function table.concat(list, separator, first, last) end

---Inserts a value into a list: at its end, or at a position, shifting later items up.
---
---```lua
---local list = { "b" }
---table.insert(list, "c")
---table.insert(list, 1, "a")
---assert(table.concat(list) == "abc")
---```
---@param list any[]
---@param position? number
---@param value any
function table.insert(list, position, value) end

---Removes a value from a list: the last one, or the one at a position, shifting later items down.
---
---```lua
---local list = { "a", "b", "c" }
---assert(table.remove(list) == "c" and table.remove(list, 1) == "a" and #list == 1)
---```
---@param list any[]
---@param position? number
---@return any value
function table.remove(list, position) end

---Sorts a list in place, stably. The comparator returns whether its first argument comes first; it
---may wait and yield.
---
---```lua
---local list = { 3, 1, 2 }
---table.sort(list)
---assert(table.concat(list) == "123")
---table.sort(list, function(a, b) return a > b end)
---assert(table.concat(list) == "321")
---```
---@param list any[]
---@param less? fun(a: any, b: any): boolean
function table.sort(list, less) end

---The values of a list.
---
---```lua
---local a, b = table.unpack({ 1, 2 })
---assert(a == 1 and b == 2)
---```
---@param list any[]
---@param first? number
---@param last? number
---@return any ...
function table.unpack(list, first, last) end

---A list of the arguments, with their number in `n`.
---
---```lua
---assert(table.pack(nil, 2, nil).n == 3)
---```
---@param ... any
---@return table
function table.pack(...) end

---Copies the values `from[first]` to `from[last]` to `to[target]` and following.
---
---```lua
---local list = table.move({ 1, 2, 3 }, 2, 3, 1, {})
---assert(table.concat(list) == "23")
---```
---@param from table
---@param first number
---@param last number
---@param target number
---@param to? table `from` if it is left out
---@return table to
function table.move(from, first, last, target, to) end

---The largest positive number that is a key; 0 if there is none.
---
---```lua
---assert(table.maxn({ [1] = true, [7.5] = true }) == 7.5)
---```
---@param t table
---@return number
function table.maxn(t) end

---Calls a function for every key and value, until it returns something (of Lua 5.0).
---@param t table
---@param f fun(key: any, value: any): any
---@return any
function table.foreach(t, f) end

---Calls a function for every index and value of a list, until it returns something (of Lua 5.0).
---@param list any[]
---@param f fun(index: number, value: any): any
---@return any
function table.foreachi(list, f) end

---The length of a list (of Lua 5.0): `#list`.
---@param list any[]
---@return number
function table.getn(list) end

---Raises an error: lengths cannot be set since Lua 5.1.
---@param list any[]
---@param n number
function table.setn(list, n) end
