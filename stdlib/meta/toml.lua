---@meta

---TOML 1.1, from and to Lua values. Dates and times become strings (see `datetime.parse`); integers become numbers, so that
---those beyond 2^53 lose digits.
---
---```lua
---local config = toml.decode([[
---title = "Example"
---
---[owner]
---name = "John Doe"
---age = 30
---]])
---assert(config.owner.age == 30)
---```
---@class toml
toml = {}

---Reads TOML. Text that is no TOML gives nil and the reason with its line and column; so does text in which lists or inline
---tables are nested deeper than 80 levels.
---
---```lua
---local value = toml.decode("day = 1979-05-27\npoints = [{x = 1}, {x = 2}]")
---assert(value.day == "1979-05-27" and value.points[2].x == 2)
---
---local nothing, message = toml.decode("a = 1\na = 2")
---assert(nothing == nil and message == "duplicate key at line 2, column 1")
---```
---@param text string
---@return table? value nil if the text is wrong
---@return string? message what is wrong
function toml.decode(text) end

---Writes a table as TOML. Keys are sorted, plain values come before tables; tables become sections, lists that have nothing but
---tables become arrays of tables. Numbers without a fraction become integers.
---
---What has no place in TOML is an error that names the path to it: `json.null`, and what `json.encode` refuses but infinite
---numbers and NaN, which TOML has.
---
---```lua
---assert(toml.encode({ title = "Example", owner = { age = 30 } }) == 'title = "Example"\n\n[owner]\nage = 30\n')
---
---local ok, message = pcall(toml.encode, { owner = { print } })
---assert(not ok and message == "value.owner[1]: cannot encode a function")
---```
---@param table table
---@return string text
function toml.encode(table) end
