---@meta

---JSON with comments, as in the settings of editors: `//` and `/* */` comments, and a comma after
---the last item. Everything else is as in the module `json`.
---
---```lua
---local settings = jsonc.decode([[
---{
---    // how long to wait
---    "timeout": 10, /* seconds */
---}
---]])
---assert(settings.timeout == 10)
---```
---@class jsonc
jsonc = {}

---Decodes JSON with comments: see `json.decode`. Comments are not kept.
---
---```lua
---assert(jsonc.decode('[1, 2, // two\n]')[2] == 2)
---
---local nothing, message = jsonc.decode('[1 /* one')
---assert(nothing == nil and message == "unterminated comment at line 1, column 4")
---```
---@param text string
---@param options? { null?: any }
---@return any value nil if the input is invalid
---@return string? message the error
function jsonc.decode(text, options) end

---Encodes a value in multiple lines, each level indented by two spaces or by `options.indent`: see
---`json.encode`.
---
---```lua
---assert(jsonc.encode({ a = { 1 } }) == '{\n  "a": [\n    1\n  ]\n}')
---```
---@param value any
---@param options? { indent?: integer|string }
---@return string text
function jsonc.encode(value, options) end
