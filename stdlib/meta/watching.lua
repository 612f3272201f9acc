---@meta

---File watching and script reloading: for settings that are read again when they change, and for
---programs that run while they are edited.

---Calls a function whenever a file has been written, replaced or created; with the path as
---argument. Changes in quick succession are one call. The file may be missing; its directory must
---exist. For a directory, any change directly in it counts. An error in the function is passed to
---`on_error`, and the watcher continues.
---
---The program runs as long as a watcher exists, and the default time limit is paused.
---
---```lua
---write_file("config.lua", "return { debug = false }")
---local id
---id = watch_file("config.lua", function(path)
---    assert(path == "config.lua" and dofile(path).debug == true)
---    unwatch_file(id)
---end)
---write_file("config.lua", "return { debug = true }")
---```
---@param path string
---@param callback fun(path: string)
---@return number? id for `unwatch_file`; nil if it cannot be watched
---@return string? message
---@return number? code
function watch_file(path, callback) end

---Stops watching. A call of the function that is in progress continues.
---
---```lua
---local id = watch_file("file.txt", print)
---assert(unwatch_file(id) == true and unwatch_file(id) == false)
---```
---@param id number
---@return boolean stopped whether there was such a watcher
function unwatch_file(id) end

---Ends everything that the script has started (goroutines, timers, servers, watchers), and runs the
---script's file again, with new globals. It does not return. If the new version has an error, that
---is printed, and the script is run again as soon as one of the files that were watched before
---changes. It is an error if the program was not started from a file.
---
---A time limit set by `-timeout` applies to all runs together.
---
---```lua
----- Runs itself three times.
---local runs = tonumber(read_file("runs") or 0) + 1
---write_file("runs", runs)
---if runs < 3 then
---    reload_script()
---end
---assert(runs == 3)
---```
function reload_script() end
