---@meta

---Reads and writes TOML 1.1. Dates and times become strings (see `datetime.parse`); integers become
---numbers, so those beyond 2^53 lose precision.
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

---Decodes TOML. Invalid TOML returns nil and the reason with its line and column; so do lists or
---inline tables that are nested deeper than 80 levels.
---
---```lua
---local value = toml.decode("day = 1979-05-27\npoints = [{x = 1}, {x = 2}]")
---assert(value.day == "1979-05-27" and value.points[2].x == 2)
---
---local nothing, message = toml.decode("a = 1\na = 2")
---assert(nothing == nil and message == "duplicate key at line 2, column 1")
---```
---@param text string
---@return table? value nil if the input is invalid
---@return string? message the error
function toml.decode(text) end

---Encodes a table as TOML. Keys are sorted, plain values come before tables; tables become
---sections, lists that contain only tables become arrays of tables. Numbers without a fraction
---become integers.
---
---Values that TOML cannot represent are an error that names the path: `json.null`, and the values
---that `json.encode` refuses, except infinite numbers and NaN, which TOML supports.
---
---```lua
---assert(toml.encode({ title = "Example", owner = { age = 30 } })
---  == 'title = "Example"\n\n[owner]\nage = 30\n')
---
---local ok, message = pcall(toml.encode, { owner = { print } })
---assert(not ok and message == "value.owner[1]: cannot encode a function")
---```
---@param table table
---@return string text
function toml.encode(table) end
