---@meta

---YAML 1.2, from and to Lua values. Scalars without quotes mean what the core schema says: `null` and `~` are nil, `true` and
---`false` booleans, decimal, `0o` octal, `0x` hexadecimal numbers, `.inf` and `.nan` numbers; all others (`yes` and dates, too)
---are strings.
---
---```lua
---local config = yaml.decode("name: Example\nports: [80, 443]\n")
---assert(config.name == "Example" and config.ports[2] == 443)
---```
---@class yaml
yaml = {}

---Reads a text that has one document; one without any gives nil alone. Keys may be strings, numbers and booleans, each once.
---
---An alias (`*name`) is the same value as its anchor (`&name`), not a copy: changing one changes the other. The merge key `<<`
---adds the fields of a map, or of a list of maps, that the map does not have itself. Of tags, `!!str`, `!!int`, `!!float`,
---`!!bool`, `!!null` and `!!binary` are followed; a scalar with any other tag is a string.
---
---Text that is no YAML gives nil and the reason with its line and column; so does text nested deeper than 1000 levels (255
---inside brackets), a node that contains itself, and merge keys that add more than a million fields.
---
---```lua
---local value = yaml.decode([[
---base: &base { retries: 3, wait: 1.5 }
---service: { <<: *base, wait: 10 }
---]])
---assert(value.service.retries == 3 and value.service.wait == 10)
---
---local nothing, message = yaml.decode("a: 1\na: 2")
---assert(nothing == nil and message == "duplicate key 'a' at line 2, column 1")
---```
---@param text string
---@param options? { null?: any } `null`: what a null becomes, for instance `json.null`; nil if left out
---@return any value nil if the text is wrong
---@return string? message what is wrong
function yaml.decode(text, options) end

---Reads a text with any number of documents: gives the list of them. Otherwise as `yaml.decode`.
---
---```lua
---local all = yaml.decode_all("--- 1\n--- [2]\n")
---assert(#all == 2 and all[2][1] == 2)
---```
---@param text string
---@param options? { null?: any }
---@return any[]? values nil if the text is wrong
---@return string? message what is wrong
function yaml.decode_all(text, options) end

---Writes a value as YAML: in block style, with sorted keys, strings without quotes where no reader takes them for something
---else, texts of several lines as literal blocks. A table that is no list is a map, with numbers and booleans as keys, too.
---
---What has no place in YAML is an error that names the path to it: functions, coroutines, userdata other than `json.null`, strings
---that are no UTF-8, more than 1000 levels, and tables that contain themselves.
---
---```lua
---assert(yaml.encode({ name = "Example", version = "1.0", list = { 1, 2 } }) == [[
---list:
---  - 1
---  - 2
---name: Example
---version: "1.0"
---]])
---```
---@param value any
---@return string text
function yaml.encode(value) end
