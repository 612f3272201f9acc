---@meta

---Time, environment and terminal, with the interface of luasystem 0.4, for programs written for it.
---It is not a global: load it with `require "system"`; `system.core` is the same. The field
---`windows` says whether the program runs on Windows. What changes the terminal's settings
---(`tcsetattr`, `setconsoleflags`, `readkey`, ...) does not exist.
---
---```lua
---local system = require "system"
---local start = system.monotime()
---system.sleep(0.01)
---assert(system.monotime() - start >= 0.01 and not system.windows)
---```
---@class system
system = {}

---The version of the interface.
system._VERSION = "LuaSystem 0.4.5"

---The seconds since 1970.
---@return number seconds
function system.gettime() end

---The seconds of a clock that is never set.
---@return number seconds
function system.monotime() end

---Suspends the goroutine; others continue.
---@param seconds number
---@param precision? number ignored
---@return boolean? success
function system.sleep(seconds, precision) end

---Random bytes from the operating system, at most 16 MiB.
---
---```lua
---local system = require "system"
---assert(#system.random(16) == 16)
---```
---@param length number
---@return string? bytes
---@return string? message
function system.random(length) end

---An environment variable.
---@param name string
---@return string? value
function system.getenv(name) end

---All environment variables that the program may read.
---@return table variables
function system.getenvs() end

---Sets an environment variable for this program and its child processes; without a value, removes
---it.
---
---```lua
---local system = require "system"
---assert(system.setenv("GREETING", "hello") and system.getenv("GREETING") == "hello")
---assert(system.setenv("GREETING") and system.getenv("GREETING") == nil)
---```
---@param name string
---@param value? string
---@return boolean success
---@return string? message
---@return number? code
function system.setenv(name, value) end

---Whether a file is a terminal.
---@param file file*
---@return boolean
function system.isatty(file) end

---The size of the terminal on standard output.
---@return number? lines
---@return number|string columns, or the message
function system.termsize() end

---The number of columns that the first character of a string takes.
---
---```lua
---local system = require "system"
---assert(system.utf8cwidth("a") == 1 and system.utf8cwidth("\228\189\160") == 2)
---```
---@param character string
---@return number? columns
---@return string? message
function system.utf8cwidth(character) end

---The number of columns that a string takes.
---@param text string
---@return number? columns
---@return string? message
function system.utf8swidth(text) end
