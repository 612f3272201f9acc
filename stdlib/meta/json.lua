---@meta

---JSON (RFC 8259), from and to Lua values. `json.encode` and `json.decode` are also the globals `json_encode` and `json_decode`.
---
---| JSON | Lua |
---|---|---|
---| object | table; an empty one is marked, so that it stays an object |
---| array | table with the keys 1 to n |
---| string | string, in UTF-8 |
---| number | number |
---| `true`, `false` | boolean |
---| `null` | nil, so that the field is absent; or what the option `null` says |
---
---```lua
---local text = json_encode({ name = "test", values = { 1, 2, 3 } })
---assert(text == '{"name":"test","values":[1,2,3]}')
---assert(json_decode(text).values[3] == 3)
---```
---@class json
json = {}

---Stands for null where nil would leave out a field or end an array: `json.encode` writes it as null, `json.decode` gives it if asked to.
---
---```lua
---assert(json.encode({ 1, json.null }) == "[1,null]" and tostring(json.null) == "null")
---assert(json.decode("[1,null]", { null = json.null })[2] == json.null)
---```
---@type userdata
json.null = {}

---Writes a value as JSON: in one line, or in several if `options.indent` is given. Keys are sorted, so that equal values give
---equal texts. Numbers are as short as reads back the same, whole ones without a fraction.
---
---An empty table is `[]`; see `json.object` for `{}`. Tables are read without metamethods. What has no place in JSON is an
---error that names the path to it: functions, coroutines, userdata, NaN and infinite numbers, strings that are no UTF-8, tables
---with gaps, with both items and fields, with keys that are neither, more than 1000 levels, and tables that contain themselves.
---
---```lua
---assert(json.encode({ b = 1, a = { 1.5, true, "x" } }) == '{"a":[1.5,true,"x"],"b":1}')
---assert(json.encode({ a = 1 }, { indent = 2 }) == '{\n  "a": 1\n}')
---
---local ok, message = pcall(json.encode, { list = { 1, { f = print } } })
---assert(not ok and message == "value.list[2].f: cannot encode a function")
---```
---@param value any
---@param options? { indent?: integer|string } `indent`: the number of spaces (0 to 32), or the text of spaces and tabs, for each level
---@return string text
function json.encode(value, options) end

---Reads JSON. Of keys that occur several times in an object, the last counts. A byte order mark at the beginning is passed over.
---
---Text that is no JSON gives nil and the reason with its line and column; so does text nested deeper than 1000 levels, a number
---that is too large, and a `\u` escape that is half a pair. The text `null` gives nil alone.
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
---@param options? { null?: any } `null`: what a null becomes, for instance `json.null` or false
---@return any value nil if the text is wrong
---@return string? message what is wrong
function json.decode(text, options) end

---Marks a table as an object and returns it; without an argument, a new one. An empty one is then written as `{}`, and numbers
---as keys become strings. The mark is a metatable; a table has it until it gets another one.
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
---@return any value nil if the text is wrong
---@return string? message what is wrong
function json_decode(text, options) end
