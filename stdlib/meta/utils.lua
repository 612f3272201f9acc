---@meta

---Small helpers: splitting and joining strings, escaping patterns, environments of functions.
---@class utils
utils = {}

---Splits a string at a separator. Without a separator it is split at white space, ignoring that at
---its ends. With an empty one it is split into its characters (UTF-8).
---
---```lua
---assert(#utils.split("hello  world ") == 2)
---assert(table.concat(utils.split("a,,b", ","), "|") == "a||b")
---assert(table.concat(utils.split("a1b22c", "%d+", true), "|") == "a|b|c")
---assert(table.concat(utils.split("key=a=b", "=", false, 2), "|") == "key|a=b")
---assert(utils.split("aä", "")[2] == "ä")
---```
---@param s string
---@param separator? string
---@param is_pattern? boolean whether the separator is a Lua pattern; one that matches the empty string is an error
---@param count? number the maximum number of parts; the last one is the rest
---@return string[]
function utils.split(s, separator, is_pattern, count) end

---Joins the items of a list, converted as by `tostring`, to one string.
---
---```lua
---assert(utils.join({ "a", 1, true }) == "a 1 true")
---assert(utils.join({ "a", "b" }, "-") == "a-b")
---```
---@param list any[]
---@param separator? string default a space
---@return string
function utils.join(list, separator) end

---A pattern that matches exactly this string: special characters are preceded by `%`.
---
---```lua
---assert(utils.escape("1.5%") == "1%.5%%")
---assert(("costs 1.5%"):find(utils.escape("1.5%")) == 7)
---```
---@param s string
---@return string pattern
function utils.escape(s) end

---Reverts `utils.escape`.
---
---```lua
---assert(utils.unescape("1%.5%%") == "1.5%")
---```
---@param pattern string
---@return string
function utils.unescape(pattern) end

---The items of a list as multiple values, up to its field `n` if it has one.
---
---```lua
---local a, b = utils.unpack({ 1, 2, 3, 4 }, 2, 3)
---assert(a == 2 and b == 3)
---assert(select("#", utils.unpack({ n = 2 })) == 2)
---```
---@param list table
---@param first? number default 1
---@param last? number default `list.n` or `#list`
---@return any ...
function utils.unpack(list, first, last) end

---The environment of a function, or of the one at a level of the stack: Lua's `getfenv`.
---
---```lua
---assert(utils.getfenv(1) == _G)
---```
---@param f? function|number default 1, the calling function
---@return table
function utils.getfenv(f) end

---Sets the environment of a function, or of the one at a level of the stack: Lua's `setfenv`.
---
---```lua
---local function f() return x end
---utils.setfenv(f, { x = 42 })
---assert(f() == 42)
---```
---@param f function|number
---@param environment table
---@return function
function utils.setfenv(f, environment) end
