---@meta

---Files that are watched, and scripts that begin anew: for settings that are read again, and for programs that go on while they are
---written.

---Calls a function whenever a file has been written, replaced by another one, or made; with the path as argument. Changes that
---follow each other closely are one call. The file may be missing; its folder may not. Of a folder, every change of what is
---directly in it counts. An error in the function goes to `on_error`, and the watcher goes on.
---
---The program lives as long as it watches something, and the default time limit does not count.
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

---Stops watching. A call of the function that is under way goes on.
---
---```lua
---local id = watch_file("file.txt", print)
---assert(unwatch_file(id) == true and unwatch_file(id) == false)
---```
---@param id number
---@return boolean stopped whether there was such a watcher
function unwatch_file(id) end

---Ends everything that the script has started (goroutines, timers, servers, watchers), and runs the script's file afresh, with new
---globals. It does not return. If the new version has an error, that is printed, and the script is run again as soon as one of the
---files changes that were watched before. It is an error if the program did not come from a file.
---
---A time limit that was given (`-timeout`) holds for all runs together.
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
