---@meta

---Handlers of uncaught errors.

---Adds a handler of uncaught errors: of goroutines, timers, server handlers, the main chunk, and of
---failed calls of the HTTP client. Each handler runs in its own goroutine. Without a handler,
---errors are printed, and the program exits with 1; an error of the main chunk ends the program in
---any case.
---
---```lua
---local told = chan(1)
---on_error(function(err) send(told, err) end)
---go(function() error("boom") end)
---assert(receive(told):find("boom"))
---```
---@param handler fun(err: any)
function on_error(handler) end
