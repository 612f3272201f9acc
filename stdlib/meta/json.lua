---@meta

---Reads and writes JSON (RFC 8259). `json.encode` and `json.decode` are also the globals
---`json_encode` and `json_decode`.
---
---| JSON | Lua |
---|---|---|
---| object | table; an empty one is marked, so that it stays an object |
---| array | table with the keys 1 to n |
---| string | string, in UTF-8 |
---| number | number |
---| `true`, `false` | boolean |
---| `null` | nil, so that the field is absent; or the value of the option `null` |
---
---```lua
---local text = json_encode({ name = "test", values = { 1, 2, 3 } })
---assert(text == '{"name":"test","values":[1,2,3]}')
---assert(json_decode(text).values[3] == 3)
---```
---@class json
json = {}

---Represents null where nil would omit a field or end an array: `json.encode` writes it as null;
---`json.decode` returns it if it is the option `null`.
---
---```lua
---assert(json.encode({ 1, json.null }) == "[1,null]" and tostring(json.null) == "null")
---assert(json.decode("[1,null]", { null = json.null })[2] == json.null)
---```
---@type userdata
json.null = {}

---Encodes a value as JSON: in one line, or in multiple lines if `options.indent` is given. Keys are
---sorted, so equal values have equal encodings. Numbers have the shortest form that reads back the
---same, integers without a fraction.
---
---An empty table is `[]`; see `json.object` for `{}`. Tables are read without metamethods. Values
---that JSON cannot represent are an error that names the path: functions, coroutines, userdata, NaN
---and infinite numbers, strings that are not valid UTF-8, tables with gaps, with both items and
---fields, with keys of other types, more than 1000 levels, and tables that contain themselves.
---
---```lua
---assert(json.encode({ b = 1, a = { 1.5, true, "x" } }) == '{"a":[1.5,true,"x"],"b":1}')
---assert(json.encode({ a = 1 }, { indent = 2 }) == '{\n  "a": 1\n}')
---
---local ok, message = pcall(json.encode, { list = { 1, { f = print } } })
---assert(not ok and message == "value.list[2].f: cannot encode a function")
---```
---@param value any
---@param options? { indent?: integer|string } `indent`: the number of spaces (0 to 32), or the string of spaces and tabs, for each level
---@return string text
function json.encode(value, options) end

---Decodes JSON. Of repeated keys in an object, the last counts. A byte order mark at the start is
---skipped.
---
---Invalid JSON returns nil and the reason with its line and column; so do more than 1000 levels of
---nesting, a number that is too large, and a `\u` escape with an unpaired surrogate. The input
---`null` returns nil alone.
---
---```lua
---local value = json.decode('{"list": [1, 2.5, "\\u00e9"], "none": null}')
---assert(value.list[3] == "é" and value.none == nil)
---
---value = json.decode('[1, null, 3]', { null = json.null })
---assert(value[2] == json.null and json.encode(value) == "[1,null,3]")
---
---local nothing, message = json.decode('{"a": 1,\n  }')
---assert(nothing == nil and message == "unexpected '}' at line 2, column 3")
---```
---@param text string
---@param options? { null?: any } `null`: the value for null, such as `json.null` or false
---@return any value nil if the input is invalid
---@return string? message the error
function json.decode(text, options) end

---Marks a table as an object and returns it; without an argument, a new one. An empty one is
---encoded as `{}`, and numeric keys become strings. The mark is a metatable; it lasts until the
---table gets another one.
---
---```lua
---assert(json.encode({}) == "[]" and json.encode(json.object()) == "{}")
---assert(json.encode(json.object({ "a", "b" })) == '{"1":"a","2":"b"}')
---assert(json.encode(json.decode("{}")) == "{}")
---```
---@param table? table
---@return table table
function json.object(table) end

---The same as `json.encode`.
---
---```lua
---assert(json_encode({ message = "Hello" }) == '{"message":"Hello"}')
---```
---@param value any
---@param options? { indent?: integer|string }
---@return string text
function json_encode(value, options) end

---The same as `json.decode`.
---
---```lua
---assert(json_decode('{"message": "Hello"}').message == "Hello")
---```
---@param text string
---@param options? { null?: any }
---@return any value nil if the input is invalid
---@return string? message the error
function json_decode(text, options) end
