---@meta

---Environment variables and `.env` files.
---
---```lua
---write_file(".env", "SERVER_PORT=8080\nSERVER_URL=http://localhost:${SERVER_PORT}/\n")
---dotenv.load()
---assert(dotenv.get("SERVER_URL") == "http://localhost:8080/")
---```
---@class dotenv
dotenv = {}

---Sets the environment variables that a file defines, except those that are already set, and
---returns a table of the file's variables. For errors see `dotenv.parse`.
---
---```lua
---write_file("test.env", "LEVEL=1\n")
---dotenv.set("LEVEL", "2")
---assert(dotenv.load("test.env").LEVEL == "1" and dotenv.get("LEVEL") == "2")
---assert(dotenv.load("test.env", true) and dotenv.get("LEVEL") == "1")
---```
---@param path? string ".env" if left out
---@param override? boolean set them all
---@return table<string, string>? variables nil if the file cannot be read or is invalid
---@return string? message the error
function dotenv.load(path, override) end

---Parses variables without setting them: lines `NAME=value`, optionally after `export`, and
---comments after `#`.
---
---An unquoted value ends with the line. In single quotes all characters are literal; in double
---quotes there may be line breaks and the escapes `\n` `\r` `\t` `\"` `\\` `\$`. Except in single
---quotes, `$NAME` and `${NAME}` are replaced by a variable defined before, or one of the
---environment. Input and values are limited to 1 MiB.
---
---```lua
---local variables = dotenv.parse([[
---HOST=localhost # the host
---URL="http://${HOST}/"
---RAW='$HOST'
---]])
---assert(variables.URL == "http://localhost/" and variables.RAW == "$HOST")
---
---local nothing, message = dotenv.parse("NAME")
---assert(nothing == nil and message == "'=' expected at line 1, column 5")
---```
---@param text string
---@return table<string, string>? variables nil if the input is invalid
---@return string? message the error
function dotenv.parse(text) end

---The value of an environment variable.
---
---```lua
---assert(dotenv.get("NOT_SET_ANYWHERE", "default") == "default")
---```
---@param name string
---@param default? any the result if it is not set
---@return any value
function dotenv.get(name, default) end

---Sets an environment variable, for this program and its child processes.
---
---```lua
---dotenv.set("MODE", "test")
---assert(os.getenv("MODE") == "test")
---```
---@param name string
---@param value string
---@return boolean? set nil if the name cannot be one
---@return string? message why not
function dotenv.set(name, value) end
