---@meta

---What becomes of errors that nobody catches, wherever they happen.

---Adds a handler of errors that nobody caught: of goroutines, timers, handlers of servers, the main chunk, and of failed calls of the
---HTTP client. Each handler runs in a goroutine of its own. Without a handler, errors are printed, and the program ends with 1; an
---error of the main chunk ends the program in any case.
---
---```lua
---local told = chan(1)
---on_error(function(err) send(told, err) end)
---go(function() error("boom") end)
---assert(receive(told):find("boom"))
---```
---@param handler fun(err: any)
function on_error(handler) end
