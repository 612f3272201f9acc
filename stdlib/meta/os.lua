---@meta

---The system (Lua 5.1, section 5.8). What fails returns nil, a message and a number.
---@class os
os = {}

---Processor time that the program has used, in seconds.
---@return number
function os.clock() end

---The date and time as text (C's `strftime`), or as a table for `"*t"`; `!` in front means UTC.
---
---```lua
---assert(os.date("!%Y-%m-%d %H:%M:%S", 0) == "1970-01-01 00:00:00")
---assert(os.date("!*t", 86400).day == 2)
---```
---@param format? string
---@param time? number
---@return string|table
function os.date(format, time) end

---The time: now, or of a table with `year`, `month`, `day` and, if they matter, `hour`, `min`, `sec`, `isdst`.
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

---Runs a shell command and waits for it; the others go on. Without a command, whether there is a shell. When the time of the program
---is up, or a signal ends it, the command is ended with it.
---@param command? string
---@return number status
function os.execute(command) end

---Ends the program at once: output is passed on, nothing else runs.
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

---Removes a file or an empty folder.
---@param path string
---@return boolean? ok
---@return string? message
---@return number? code
function os.remove(path) end

---Renames a file or a folder.
---@param from string
---@param to string
---@return boolean? ok
---@return string? message
---@return number? code
function os.rename(from, to) end

---The locale: "C" is the only one.
---@param locale? string
---@param category? string
---@return string?
function os.setlocale(locale, category) end

---The path of a new empty file.
---@return string
function os.tmpname() end
