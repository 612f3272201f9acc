---@meta

---The operating system (Lua 5.1, section 5.8). Functions that fail return nil, a message and a
---number.
---@class os
os = {}

---Processor time that the program has used, in seconds.
---@return number
function os.clock() end

---The date and time as a string (C's `strftime`), or as a table for `"*t"`; a leading `!` selects
---UTC.
---
---```lua
---assert(os.date("!%Y-%m-%d %H:%M:%S", 0) == "1970-01-01 00:00:00")
---assert(os.date("!*t", 86400).day == 2)
---```
---@param format? string
---@param time? number
---@return string|table
function os.date(format, time) end

---The current time, or that of a table with `year`, `month`, `day` and, optionally, `hour`, `min`,
---`sec`, `isdst`.
---
---```lua
---local t = os.time({ year = 2024, month = 2, day = 30, hour = 12 })
---assert(os.date("%m-%d", t) == "03-01")
---```
---@param t? table
---@return number? time in seconds since 1970
function os.time(t) end

---The difference of two times in seconds.
---@param later number
---@param earlier? number
---@return number
function os.difftime(later, earlier) end

---Runs a shell command and waits for it; other goroutines continue. Without a command, returns
---whether there is a shell. When the program times out or is ended by a signal, the command is
---ended, too.
---@param command? string
---@return number status
function os.execute(command) end

---Ends the program at once: output is flushed, no other code runs.
---@param code? number|boolean
function os.exit(code) end

---An environment variable.
---@param name string
---@return string?
function os.getenv(name) end

---Sets an environment variable, for this program and those that it starts.
---
---```lua
---os.setenv("COLOUR", "green")
---assert(os.getenv("COLOUR") == "green")
---```
---@param name string
---@param value string
---@return boolean?
function os.setenv(name, value) end

---Removes a file or an empty directory.
---@param path string
---@return boolean? ok
---@return string? message
---@return number? code
function os.remove(path) end

---Renames a file or a directory.
---@param from string
---@param to string
---@return boolean? ok
---@return string? message
---@return number? code
function os.rename(from, to) end

---The locale; only "C" is supported.
---@param locale? string
---@param category? string
---@return string?
function os.setlocale(locale, category) end

---Creates an empty file with a unique name and returns its path.
---@return string
function os.tmpname() end
