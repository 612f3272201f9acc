---@meta

---Coroutines (Lua 5.1, section 5.2). A coroutine may yield anywhere: inside `pcall`, metamethods,
---iterators, and functions that library functions call.
---
---```lua
---local words = coroutine.wrap(function()
---    for word in ("one two"):gmatch("%a+") do coroutine.yield(word) end
---end)
---assert(words() == "one" and words() == "two")
---```
---@class coroutine
coroutine = {}

---Creates a suspended coroutine that will call `f`.
---@param f function
---@return thread coroutine
function coroutine.create(f) end

---Starts or resumes a coroutine; the values are the function's arguments, or what `yield` returns.
---
---```lua
---local co = coroutine.create(function(x) local y = coroutine.yield(x + 1) error(y) end)
---assert(select(2, coroutine.resume(co, 1)) == 2)
---local ok, problem = coroutine.resume(co, "why")
---assert(not ok and problem:find("why"))
---```
---@param co thread
---@param ... any
---@return boolean ok false if it has failed, or cannot be resumed
---@return any ... what it yields or returns, or the error
function coroutine.resume(co, ...) end

---Suspends the running coroutine.
---@param ... any what `resume` returns
---@return any ... what the next `resume` passes
function coroutine.yield(...) end

---A function that resumes a new coroutine at each call. Errors in it are passed to the caller.
---@param f function
---@return function
function coroutine.wrap(f) end

---The status of a coroutine.
---
---```lua
---local co = coroutine.create(function() end)
---assert(coroutine.status(co) == "suspended")
---coroutine.resume(co)
---assert(coroutine.status(co) == "dead")
---```
---@param co thread
---@return "running"|"suspended"|"normal"|"dead"
function coroutine.status(co) end

---The running coroutine; nil in a goroutine's own code.
---@return thread?
function coroutine.running() end

---Whether the running code may yield.
---@return boolean
function coroutine.isyieldable() end
