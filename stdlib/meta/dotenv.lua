---@meta

---Environment variables, and files of them.
---
---```lua
---write_file(".env", "SERVER_PORT=8080\nSERVER_URL=http://localhost:${SERVER_PORT}/\n")
---dotenv.load()
---assert(dotenv.get("SERVER_URL") == "http://localhost:8080/")
---```
---@class dotenv
dotenv = {}

---Sets the environment variables that a file names, but for those that are set already, and gives a table of what the file says.
---What is wrong with the file, see `dotenv.parse`.
---
---```lua
---write_file("test.env", "LEVEL=1\n")
---dotenv.set("LEVEL", "2")
---assert(dotenv.load("test.env").LEVEL == "1" and dotenv.get("LEVEL") == "2")
---assert(dotenv.load("test.env", true) and dotenv.get("LEVEL") == "1")
---```
---@param path? string ".env" if left out
---@param override? boolean set them all
---@return table<string, string>? variables nil if the file cannot be read or is wrong
---@return string? message what is wrong
function dotenv.load(path, override) end

---Reads variables without setting them: lines `NAME=value`, also behind `export`, and comments behind `#`.
---
---A value without quotes ends with the line. In single quotes everything stands for itself; in double quotes there may be line
---breaks and the escapes `\n` `\r` `\t` `\"` `\\` `\$`. But in single quotes, `$NAME` and `${NAME}` stand for a variable named
---before, or of the environment. Texts and values are limited to a megabyte.
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
---@return table<string, string>? variables nil if the text is wrong
---@return string? message what is wrong
function dotenv.parse(text) end

---The value of an environment variable.
---
---```lua
---assert(dotenv.get("NOT_SET_ANYWHERE", "default") == "default")
---```
---@param name string
---@param default? any what to give if it is not set
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
