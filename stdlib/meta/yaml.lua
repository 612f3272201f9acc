---@meta

---Reads and writes YAML 1.2. Scalars without quotes follow the core schema: `null` and `~` are nil,
---`true` and `false` booleans, decimal, `0o` octal, `0x` hexadecimal numbers, `.inf` and `.nan`
---numbers; all others (`yes` and dates, too) are strings.
---
---```lua
---local config = yaml.decode("name: Example\nports: [80, 443]\n")
---assert(config.name == "Example" and config.ports[2] == 443)
---```
---@class yaml
yaml = {}

---Decodes a string with one document; an empty one returns nil alone. Keys may be strings, numbers
---and booleans, and must be unique.
---
---An alias (`*name`) is the same value as its anchor (`&name`), not a copy: changing one changes
---the other. The merge key `<<` adds the fields of a map, or of a list of maps, that the map itself
---lacks. The tags `!!str`, `!!int`, `!!float`, `!!bool`, `!!null` and `!!binary` are supported; a
---scalar with any other tag is a string.
---
---Invalid YAML returns nil and the reason with its line and column; so do more than 1000 levels of
---nesting (255 inside brackets), a node that contains itself, and merge keys that add more than a
---million fields.
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
---@param options? { null?: any } `null`: the value for null, such as `json.null` (default nil)
---@return any value nil if the input is invalid
---@return string? message the error
function yaml.decode(text, options) end

---Decodes a string with any number of documents and returns them as a list; otherwise as
---`yaml.decode`.
---
---```lua
---local all = yaml.decode_all("--- 1\n--- [2]\n")
---assert(#all == 2 and all[2][1] == 2)
---```
---@param text string
---@param options? { null?: any }
---@return any[]? values nil if the input is invalid
---@return string? message the error
function yaml.decode_all(text, options) end

---Encodes a value as YAML: in block style, with sorted keys, plain strings where they are
---unambiguous, and multi-line strings as literal blocks. A table that is not a list is a map;
---numbers and booleans may be keys, too.
---
---Values that YAML cannot represent are an error that names the path: functions, coroutines,
---userdata other than `json.null`, strings that are not valid UTF-8, more than 1000 levels, and
---tables that contain themselves.
---
---```lua
---assert(yaml.encode({ name = "Example", version = "1.0", list = { 1, 2 } })
---    == 'list:\n  - 1\n  - 2\nname: Example\nversion: "1.0"\n')
---```
---@param value any
---@return string text
function yaml.encode(value) end
