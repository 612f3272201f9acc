---@meta

---Settings in sections (INI), from and to Lua values and files.
---
---```lua
---local settings = ini.parse("name = test\n\n[server]\nport = 8080\n")
---assert(settings.name == "test" and settings.server.port == "8080")
---```
---@class ini
ini = {}

---Reads settings: `[section]` lines, `key = value` or `key: value` lines, and comments in lines that begin with `;` or `#`.
---Values are strings; double quotes around one are taken away, and keep the space inside. Fields before the first section are
---fields of the table itself. Of a key that occurs several times in a section, the last value counts.
---
---A line that is none of these gives nil and the reason with its line and column.
---
---```lua
---local settings = ini.parse('; greeting\n[text]\nhello = "  hi  "\n')
---assert(settings.text.hello == "  hi  ")
---
---local nothing, message = ini.parse("[open")
---assert(nothing == nil and message == "']' expected at line 1, column 6")
---```
---@param text string
---@return table? settings nil if the text is wrong
---@return string? message what is wrong
function ini.parse(text) end

---Reads the settings of a file: see `ini.parse`.
---
---```lua
---ini.write("app.ini", { server = { port = 8080 } })
---assert(ini.read("app.ini").server.port == "8080")
---```
---@param path string
---@return table? settings nil if the file cannot be read or is wrong
---@return string? message what is wrong
function ini.read(path) end

---Writes settings: strings, numbers and booleans as fields, tables of these as sections, sorted by their names. What has no place,
---as functions, tables in sections, texts of several lines, and names with `=`, is an error that names it.
---
---```lua
---assert(ini.stringify({ debug = true, server = { port = 8080 } }) == "debug = true\n\n[server]\nport = 8080\n")
---
---local ok, message = pcall(ini.stringify, { server = { ports = {} } })
---assert(not ok and message == "value.server.ports: cannot encode a table as INI")
---```
---@param settings table
---@return string text
function ini.stringify(settings) end

---Writes settings to a file, whole or not at all: see `ini.stringify`.
---
---```lua
---assert(ini.write("app.ini", { debug = true }) and read_file("app.ini") == "debug = true\n")
---```
---@param path string
---@param settings table
---@return boolean? written nil if the file cannot be written
---@return string? message why not
function ini.write(path, settings) end
