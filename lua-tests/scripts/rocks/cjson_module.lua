-- cjson and cjson.safe. What lua-cjson 2.1.0 under lua5.1 has, is tested there, too; the functions
-- that OpenResty added are tested if they exist.
local cjson, safe = require "cjson", require "cjson.safe"

local function fails(text, f, ...)
    local ok, message = pcall(f, ...)
    assert(not ok and message == text, message)
end

-- Decoding.
local value = cjson.decode ' {"a": [1, 2.5, -3e2, true, false, null], "b": {"c": "d"}, "e": {}} '
assert(value.a[1] == 1 and value.a[2] == 2.5 and value.a[3] == -300 and value.a[4] == true)
assert(value.a[5] == false and value.a[6] == cjson.null and value.b.c == "d" and not next(value.e))
assert(type(cjson.null) == "userdata" and cjson._NAME == "cjson")
assert(cjson.decode '"\\u0000\\n\\/\\"\\u00e4\\ud83d\\ude00"' == "\0\n/\"\195\164\240\159\152\128")
assert(cjson.decode '"a\nb"' == "a\nb" and cjson.decode "[1]\0x"[1] == 1 and cjson.decode(5) == 5)
for text, number in pairs { ["01"] = 1, ["0x10"] = 16, ["+1"] = 1, ["1."] = 1, ["1e999"] = 1 / 0,
    ["-Infinity"] = -1 / 0 } do
    assert(cjson.decode(text) == number, text)
end
local errors = {
    [""] = "Expected value but found T_END at character 1",
    ["["] = "Expected value but found T_END at character 2",
    ["[1"] = "Expected comma or array end but found T_END at character 3",
    ["[1 2]"] = "Expected comma or array end but found T_NUMBER at character 4",
    ["[1,]"] = "Expected value but found T_ARR_END at character 4",
    ["{"] = "Expected object key string but found T_END at character 2",
    ["{1:2}"] = "Expected object key string but found T_NUMBER at character 2",
    ['{"a" 1}'] = "Expected colon but found T_NUMBER at character 6",
    ['{"a":1'] = "Expected comma or object end but found T_END at character 7",
    ['{"a":1}}'] = "Expected the end but found T_OBJ_END at character 8",
    ["nul"] = "Expected value but found invalid token at character 1",
    ["-"] = "Expected value but found invalid number at character 1",
    ["1e5x"] = "Expected the end but found invalid token at character 4",
    ['"abc'] = "Expected value but found unexpected end of string at character 5",
    ['"\\x"'] = "Expected value but found invalid escape code at character 2",
    ['"\\ud800"'] = "Expected value but found invalid unicode escape code at character 2",
    ["\0[1]"] = "JSON parser does not support UTF-16 or UTF-32",
    [("["):rep(1001)] = "Found too many nested data structures (1001) at character 1001",
}
for text, message in pairs(errors) do
    fails(message, cjson.decode, text)
    local result, why = safe.decode(text)
    assert(result == nil and why == message)
end
fails("bad argument #1 to '?' (expected 1 argument)", cjson.decode)
fails("bad argument #1 to '?' (string expected, got table)", cjson.decode, {})
assert(select(2, safe.decode {}) == "bad argument #1 to '?' (string expected, got table)")

-- Encoding.
local function encodes(text, value)
    local got = cjson.encode(value)
    assert(got == text, got)
end
encodes("[1,1.5,1e+15,1e+100,0.1,0.33333333333333,9.007199254741e+15]",
    { 1, 1.5, 1e15, 1e100, 0.1, 1 / 3, 2 ^ 53 })
encodes('"\\u0000\\u0001\\u007f\\/\\\\\\"\\b\\t\\n\\f\\r\195\164"',
    "\0\1\127/\\\"\b\t\n\f\r\195\164")
encodes("{}", {})
encodes('{"a":{"b":[1,null,3]}}', { a = { b = { 1, nil, 3 } } })
encodes("[null,null,null,null,null,null,null,null,null,1]", { [10] = 1 })
encodes('{"1.5":2}', { [1.5] = 2 })
encodes("[true,false,null]", { true, false, cjson.null })
encodes("null", nil)
fails("Cannot serialise table: excessively sparse array", cjson.encode, { [11] = 1 })
fails("Cannot serialise function: type not supported", cjson.encode, { print })
fails("Cannot serialise table: table key must be a number or string", cjson.encode, { [{}] = 1 })
fails("Cannot serialise boolean: table key must be a number or string", cjson.encode,
    { [true] = 1 })
fails("Cannot serialise number: must not be NaN or Inf", cjson.encode, { 1 / 0 })
local deep = {}
for _ = 1, 1000 do
    deep = { deep }
end
fails("Cannot serialise, excessive nesting (1001)", cjson.encode, deep)
assert(select(2, safe.encode(print)) == "Cannot serialise function: type not supported")
fails("bad argument #1 to '?' (expected 1 argument)", cjson.encode, 1, 2)

-- Settings belong to a module.
local own = cjson.new()
assert(own.encode_number_precision(3) == 3 and own.encode(1 / 3) == "0.333")
assert(own.encode(123456) == "1.23e+05" and cjson.encode_number_precision() == 14)
assert(own.encode_max_depth(2) == 2 and own.decode_max_depth(2) == 2)
fails("Cannot serialise, excessive nesting (3)", own.encode, { { {} } })
fails("Found too many nested data structures (3) at character 3", own.decode, "[[[]]]")
local convert, ratio, limit = own.encode_sparse_array(true, 1, 2)
assert(convert == true and ratio == 1 and limit == 2)
local sparse = own.encode { [3] = 1, [9] = 2 }
assert(sparse == '{"3":1,"9":2}' or sparse == '{"9":2,"3":1}')
assert(own.encode_invalid_numbers(true) == true and own.encode { 1 / 0, -1 / 0 } == "[inf,-inf]")
assert(own.encode_invalid_numbers "null" == "null" and own.encode { 0 / 0 } == "[null]")
assert(own.decode_invalid_numbers(false) == false and own.encode_keep_buffer "off" == false)
local invalid = { ["01"] = "number", ["0x1"] = "number", ["+1"] = "token", inf = "token" }
for text, found in pairs(invalid) do
    fails("Expected value but found invalid " .. found .. " at character 1", own.decode, text)
end
fails("bad argument #1 to '?' (expected integer between 1 and 2147483647)", own.encode_max_depth, 0)
fails("bad argument #2 to '?' (found too many arguments)", own.encode_max_depth, 1, 2)
fails("bad argument #1 to '?' (invalid option 'x')", own.encode_invalid_numbers, "x")

-- Long data is read and written in steps.
local list = {}
for i = 1, 20000 do
    list[i] = { id = i, name = "name " .. i, "x" }
end
local text = cjson.encode(list)
local back = cjson.decode(text)
assert(#back == 20000 and back[20000].id == 20000 and back[7].name == "name 7")
assert(back[3]["1"] == "x")

-- OpenResty's functions.
if cjson.array_mt then
    own = cjson.new()
    encodes("[]", cjson.empty_array)
    encodes("[]", setmetatable({}, cjson.empty_array_mt))
    encodes("[]", setmetatable({ a = 1 }, cjson.empty_array_mt))
    encodes("[]", setmetatable({ a = 1 }, cjson.array_mt))
    encodes("[1,2]", setmetatable({ 1, 2, a = 1 }, cjson.array_mt))
    assert(own.encode_empty_table_as_object(false) == false and own.encode { x = {} } == '{"x":[]}')
    assert(own.encode_escape_forward_slash(false) == false and own.encode "a/b" == '"a/b"')
    assert(own.encode_skip_unsupported_value_types(true) and own.encode { a = print } == "{}")
    assert(own.decode_array_with_array_mt(true))
    assert(own.encode(own.decode '{"x":[]}') == '{"x":[]}')
    assert(getmetatable(own.decode "[]") == cjson.array_mt)
    assert(json_encode { cjson.null } == "[null]" and cjson.encode { json.null } == "[null]")
end
print "ok"
