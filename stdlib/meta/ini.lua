---@meta

---Reads and writes INI files: settings in sections.
---
---```lua
---local settings = ini.parse("name = test\n\n[server]\nport = 8080\n")
---assert(settings.name == "test" and settings.server.port == "8080")
---```
---@class ini
ini = {}

---Reads settings: `[section]` lines, `key = value` or `key: value` lines, and comments in lines
---that start with `;` or `#`. Values are strings; double quotes around a value are removed, and
---preserve the space inside. Fields before the first section are fields of the table itself. Of
---repeated keys in a section, the last value counts.
---
---Any other line returns nil and the reason with its line and column.
---
---```lua
---local settings = ini.parse('; greeting\n[text]\nhello = "  hi  "\n')
---assert(settings.text.hello == "  hi  ")
---
---local nothing, message = ini.parse("[open")
---assert(nothing == nil and message == "']' expected at line 1, column 6")
---```
---@param text string
---@return table? settings nil if the input is invalid
---@return string? message the error
function ini.parse(text) end

---Reads the settings of a file: see `ini.parse`.
---
---```lua
---ini.write("app.ini", { server = { port = 8080 } })
---assert(ini.read("app.ini").server.port == "8080")
---```
---@param path string
---@return table? settings nil if the file cannot be read or is invalid
---@return string? message the error
function ini.read(path) end

---Writes settings: strings, numbers and booleans as fields, tables of these as sections, sorted by
---their names. Values that INI cannot represent, such as functions, tables in sections, multi-line
---strings, and names with `=`, are an error that names them.
---
---```lua
---assert(ini.stringify({ debug = true, server = { port = 8080 } })
---  == "debug = true\n\n[server]\nport = 8080\n")
---
---local ok, message = pcall(ini.stringify, { server = { ports = {} } })
---assert(not ok and message == "value.server.ports: cannot encode a table as INI")
---```
---@param settings table
---@return string text
function ini.stringify(settings) end

---Writes settings to a file, atomically: see `ini.stringify`.
---
---```lua
---assert(ini.write("app.ini", { debug = true }) and read_file("app.ini") == "debug = true\n")
---```
---@param path string
---@param settings table
---@return boolean? written nil if the file cannot be written
---@return string? message why not
function ini.write(path, settings) end
