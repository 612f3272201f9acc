---@meta

---Lua's basic functions (Lua 5.1, section 5.1).

---The table of all globals, itself among them.
---
---```lua
---_G["answer"] = 42
---assert(answer == 42 and _G._G == _G)
---```
---@type table
_G = {}

---The arguments of the command line: the script is `arg[0]`, its arguments have the numbers from 1,
---the options and the command before it those from -1 downwards. A script also gets its arguments
---as `...`. Programs that embed Lua have no `arg`.
---
---```lua
---assert(arg[0] == "example.lua" and #arg == 0)
---```
---@type string[]
arg = {}

---The version of the language: "Lua 5.1".
_VERSION = "Lua 5.1"

---Raises an error if the first argument is nil or false; returns all arguments otherwise.
---
---```lua
---assert(select("#", assert(1, 2)) == 2)
---assert(select(2, pcall(assert, nil, "why")) == "why")
---```
---@param value any
---@param message? any
---@param ... any
---@return any ...
function assert(value, message, ...) end

---Controls the collector: `"collect"` (a whole cycle), `"stop"`, `"restart"`, `"count"` (KiB in
---use), `"step"` (true when a cycle ended), `"setpause"`, `"setstepmul"` (both return the previous
---value).
---
---```lua
---collectgarbage()
---assert(collectgarbage("count") > 0)
---```
---@param option? string
---@param argument? number
---@return any
function collectgarbage(option, argument) end

---Runs a file, or the standard input if no name is given; returns the chunk's results.
---
---```lua
---write_file("chunk.lua", "return 1 + 1")
---assert(dofile("chunk.lua") == 2)
---```
---@param path? string
---@return any ...
function dofile(path) end

---Raises an error. If the value is a string, a position is added before it: level 1 is the caller
---of `error`, 2 the caller of that function, 0 adds none.
---
---```lua
---local ok, message = pcall(function() error("boom", 0) end)
---assert(not ok and message == "boom")
---```
---@param message any
---@param level? number
function error(message, level) end

---KiB in use (of Lua 5.0): `collectgarbage("count")`.
---@return number
function gcinfo() end

---The environment of a function, or of the function at a level of the stack; 0 is the program's
---globals.
---@param f? function|number
---@return table
function getfenv(f) end

---Sets the environment of a Lua function, or of the one at a level.
---
---```lua
---local f = setfenv(function() return x end, { x = 42 })
---assert(f() == 42 and getfenv(f).x == 42)
---```
---@param f function|number
---@param environment table
---@return function f
function setfenv(f, environment) end

---The metatable of a value, or its field `__metatable`.
---@param value any
---@return any
function getmetatable(value) end

---Sets the metatable of a table. It is an error if the table has a metatable with the field
---`__metatable`.
---
---```lua
---local t = setmetatable({}, { __index = function(_, key) return key .. "!" end })
---assert(t.hey == "hey!" and getmetatable(t).__index)
---```
---@param t table
---@param metatable? table
---@return table t
function setmetatable(t, metatable) end

---Iterates over the values at 1, 2, 3, ... up to the first nil.
---
---```lua
---for i, value in ipairs({ "a", "b" }) do print(i, value) end
---```
---@param list table
---@return function iterator
---@return table list
---@return number start
function ipairs(list) end

---Iterates over all keys and values, in no particular order.
---
---```lua
---local count = 0
---for key, value in pairs({ x = 1, y = 2 }) do count = count + value end
---assert(count == 3)
---```
---@param t table
---@return function iterator
---@return table t
---@return nil
function pairs(t) end

---The next key after a key and its value, in the order of `pairs`; the first ones after nil.
---
---```lua
---assert(next({}) == nil and next({ x = 1 }) == "x")
---```
---@param t table
---@param key? any
---@return any key nil at the end
---@return any value
function next(t, key) end

---Compiles a chunk: a string, or the concatenated results of a function.
---
---```lua
---local f = load("return a + b", "=sum", "t", { a = 1, b = 2 })
---assert(f() == 3)
---local nothing, message = load("return +", "=sum")
---assert(nothing == nil and message:find("^sum:1:"))
---```
---@param chunk string|fun(): string?
---@param name? string `=name` or `@file` for messages
---@param mode? string "t" for source only, "b" for precompiled chunks (`string.dump`) only
---@param environment? table
---@return function? f nil if it cannot be compiled
---@return string? message
function load(chunk, name, mode, environment) end

---Compiles a file, or the standard input if no name is given.
---@param path? string
---@return function? f
---@return string? message
function loadfile(path) end

---Compiles a string.
---
---```lua
---assert(loadstring("return ...")(5) == 5)
---```
---@param text string
---@param name? string
---@return function? f
---@return string? message
function loadstring(text, name) end

---An empty userdata, with its own metatable if the argument is true: for `__gc` and `__len`.
---@param metatable? boolean|userdata
---@return userdata
function newproxy(metatable) end

---Calls a function and catches its errors. The function may wait and yield.
---
---```lua
---local ok, message = pcall(error, "boom")
---assert(ok == false and message == "boom")
---```
---@param f function
---@param ... any
---@return boolean ok
---@return any ... results, or the error
function pcall(f, ...) end

---Calls a function; errors are passed to a handler, which is called where they are raised.
---
---```lua
---local function handle(e) return "handled " .. e end
---local ok, text = xpcall(function(x) error(x, 0) end, handle, "boom")
---assert(not ok and text == "handled boom")
---```
---@param f function
---@param handler fun(error: any): any
---@param ... any arguments of f
---@return boolean ok
---@return any ... results, or what the handler returned
function xpcall(f, handler, ...) end

---Writes its arguments to the standard output, converted as by `tostring` and separated by tabs.
---@param ... any
function print(...) end

---Whether two values are equal, without metamethods.
---@param a any
---@param b any
---@return boolean
function rawequal(a, b) end

---The value of a key, without metamethods.
---@param t table
---@param key any
---@return any
function rawget(t, key) end

---Sets the value of a key, without metamethods.
---@param t table
---@param key any
---@param value any
---@return table t
function rawset(t, key, value) end

---The arguments from a number on; `"#"` returns how many there are. With channels or their names as
---arguments it waits until one of them has a value, and returns the value and the channel; the end
---of a closed channel is reported once, as nil and the channel.
---
---```lua
---assert(select("#", nil, nil) == 2 and select(2, "a", "b") == "b" and select(-1, "a", "b") == "b")
---chan("one") chan("two")
---go(function() send("two", 42) end)
---local value, name = select("one", "two")
---assert(value == 42 and name == "two")
---```
---@param which number|string|userdata
---@param ... any
---@return any ...
function select(which, ...) end

---Converts a string to a number, in a base from 2 to 36 if one is given; nil if the string is not a
---number.
---
---```lua
---assert(tonumber("0x10") == 16 and tonumber("1e2") == 100 and tonumber("ff", 16) == 255
---  and tonumber("x") == nil)
---```
---@param value any
---@param base? number
---@return number?
function tonumber(value, base) end

---Converts a value to a string; uses the metamethod `__tostring` if there is one.
---@param value any
---@return string
function tostring(value) end

---The name of a value's type.
---
---```lua
---assert(type(nil) == "nil" and type({}) == "table" and type(print) == "function")
---```
---@param value any
---@return "nil"|"boolean"|"number"|"string"|"table"|"function"|"thread"|"userdata"
function type(value) end

---The values of a list: `table.unpack`.
---@param list any[]
---@param first? number
---@param last? number
---@return any ...
function unpack(list, first, last) end
