---@meta

---Inspection of running programs (Lua 5.1, section 5.9). Levels count from 1, the function that
---calls.
---@class debug
debug = {}

---Reads lines from standard input and runs each as a chunk, until one is `cont`. Errors are written
---to standard error.
function debug.debug() end

---Information about a function, or the one at a level; `what` selects: `n` name, `S` source, `l`
---line, `u` upvalues, `f` function, `L` lines.
---
---```lua
---local info = debug.getinfo(1, "Sl")
---assert(info.short_src == "example.lua" and info.currentline == 1)
---```
---@param thread? thread
---@param f function|number
---@param what? string
---@return table?
function debug.getinfo(thread, f, what) end

---A local variable of the function at a level.
---
---```lua
---local secret = 42
---assert(debug.getlocal(1, 1) == "secret" and select(2, debug.getlocal(1, 1)) == 42)
---```
---@param thread? thread
---@param level number
---@param index number
---@return string? name nil if there is none
---@return any value
function debug.getlocal(thread, level, index) end

---Sets a local variable of the function at a level.
---@param thread? thread
---@param level number
---@param index number
---@param value any
---@return string? name
function debug.setlocal(thread, level, index, value) end

---An upvalue of a function.
---@param f function
---@param index number
---@return string? name
---@return any value
function debug.getupvalue(f, index) end

---Sets an upvalue of a function.
---@param f function
---@param index number
---@param value any
---@return string? name
function debug.setupvalue(f, index, value) end

---The hook of a thread, its events and its count.
---@param thread? thread
---@return function? hook
---@return string? mask
---@return number? count
function debug.gethook(thread) end

---Calls a function at events: `c` calls, `r` returns, `l` new lines, and after every `count`
---instructions. Without arguments it removes the hook; without a hook there is no cost.
---
---```lua
---local lines = 0
---debug.sethook(function() lines = lines + 1 end, "l")
---local x = 1
---debug.sethook()
---assert(lines >= 1)
---```
---@param thread? thread
---@param hook? fun(event: string, line?: number)
---@param mask? string
---@param count? number
function debug.sethook(thread, hook, mask, count) end

---The traceback as a string, after a message.
---@param thread? thread
---@param message? any
---@param level? number
---@return string
function debug.traceback(thread, message, level) end

---The environment of a value.
---@param value any
---@return table?
function debug.getfenv(value) end

---Sets the environment of a function, a coroutine or a userdata.
---@param value any
---@param environment table
---@return any value
function debug.setfenv(value, environment) end

---The metatable of a value, regardless of `__metatable`.
---@param value any
---@return table?
function debug.getmetatable(value) end

---Sets the metatable of any value; for types whose values have no metatables of their own, of all
---values of the type.
---@param value any
---@param metatable? table
---@return boolean
function debug.setmetatable(value, metatable) end

---The registry, a table in which libraries store values.
---@return table
function debug.getregistry() end
