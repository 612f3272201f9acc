---@meta

---JSON with the interface of lua-cjson 2.1.0 and the functions that OpenResty has added up to
---2.1.0.14, for programs written for it. It is not a global:
---load it with `require "cjson"`. Invalid data is an error; in `cjson.safe`, which has the same
---functions, `encode` and `decode` return nil and the message instead. The text of numbers, the
---rules for sparse arrays and the messages are lua-cjson's. New programs should use `json`.
---
---`encode_keep_buffer` has no effect, and nesting is limited to 16,000 levels whatever the
---settings. `cjson.util` does not exist; the file of the original works. `cjson.null` prints as
---"null", and is interchangeable with `json.null`.
---
---```lua
---local cjson = require "cjson"
---local value = cjson.decode('{"list": [1, 2.5, null], "name": "x"}')
---assert(value.list[2] == 2.5 and value.list[3] == cjson.null)
---assert(cjson.encode({ 1, "a/b", true }) == [=[[1,"a\/b",true]]=])
---local ok, message = require("cjson.safe").decode("[1,")
---assert(ok == nil and message == "Expected value but found T_END at character 4")
---```
---@class cjson
cjson = {}

---The name of the module.
cjson._NAME = "cjson"

---The version of the interface.
cjson._VERSION = "2.1.0"

---Decodes a JSON text.
---
---```lua
---local cjson = require "cjson"
---assert(cjson.decode("[10, 20]")[2] == 20)
---```
---@param text string
---@return any value
function cjson.decode(text) end

---Encodes a value. A table whose keys are positive integers is an array; an empty one is an object.
---
---```lua
---local cjson = require "cjson"
---assert(cjson.encode({ x = { 1, 2 } }) == '{"x":[1,2]}')
---assert(cjson.encode(cjson.empty_array) == "[]")
---assert(cjson.encode(setmetatable({}, cjson.array_mt)) == "[]")
---```
---@param value any
---@return string text
function cjson.encode(value) end

---Returns another module with the default settings.
---
---```lua
---local cjson = require "cjson"
---local short = cjson.new()
---short.encode_number_precision(3)
---assert(short.encode(1 / 3) == "0.333" and cjson.encode(1 / 3) == "0.33333333333333")
---```
---@return cjson module
function cjson.new() end

---Sets whether arrays that are decoded get the metatable `cjson.array_mt`.
---@param on? boolean
---@return boolean on the current setting
function cjson.decode_array_with_array_mt(on) end

---Sets whether numbers that JSON has not are accepted: hexadecimal ones, infinity, NaN.
---@param on? boolean
---@return boolean on the current setting, at first true
function cjson.decode_invalid_numbers(on) end

---Sets the deepest nesting that is decoded.
---@param depth? number
---@return number depth the current setting, at first 1000
function cjson.decode_max_depth(depth) end

---Sets whether empty tables are objects.
---@param on? boolean
---@return boolean on the current setting, at first true
function cjson.encode_empty_table_as_object(on) end

---Sets whether slashes are escaped.
---@param on? boolean
---@return boolean on the current setting, at first true
function cjson.encode_escape_forward_slash(on) end

---Sets how infinity and NaN are encoded: false is an error, true writes them, "null" writes null.
---@param on? boolean|"null"
---@return boolean|"null" on the current setting, at first false
function cjson.encode_invalid_numbers(on) end

---Without effect: the buffer is never kept.
---@param keep? boolean
---@return boolean keep the current setting, at first true
function cjson.encode_keep_buffer(keep) end

---Sets the deepest nesting that is encoded.
---@param depth? number
---@return number depth the current setting, at first 1000
function cjson.encode_max_depth(depth) end

---Sets the number of significant digits, from 1 to 16.
---@param digits? number
---@return number digits the current setting, at first 14
function cjson.encode_number_precision(digits) end

---Sets whether functions and other values that JSON has not are left out.
---@param on? boolean
---@return boolean on the current setting, at first false
function cjson.encode_skip_unsupported_value_types(on) end

---Sets which arrays are too sparse: those whose last index is above `safe` and above `ratio` times
---the number of items. They are an error, or objects if `convert` is true.
---@param convert? boolean
---@param ratio? number
---@param safe? number
---@return boolean convert the current settings, at first false, 2 and 10
---@return number ratio
---@return number safe
function cjson.encode_sparse_array(convert, ratio, safe) end
