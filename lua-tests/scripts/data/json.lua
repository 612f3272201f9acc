-- json_encode and json_decode: values both ways, shapes of tables, messages with positions, hostile
-- input.

local function fails(text, message)
    local value, got = json_decode(text)
    assert(value == nil and got == message, ("%q: %s"):format(text, tostring(got)))
end

local function refuses(value, message)
    local ok, got = pcall(json_encode, value)
    assert(not ok and got == message, tostring(got))
end

-- Scalars.
assert(json_encode(nil) == "null" and json_encode(true) == "true" and json_encode(false) == "false")
assert(json_encode("a\"\\\n\t\r\b\f\0\127é/") == [["a\"\\\n\t\r\b\f\u0000\u007fé/"]])
for number, text in pairs({
    [0] = "0", [1] = "1", [-1] = "-1", [0.1] = "0.1", [1e15] = "1000000000000000",
    [2 ^ 53] = "9007199254740992", [1e300] = "1e300", [1 / 3] = "0.3333333333333333",
    [-2.5] = "-2.5", [5e-324] = "5e-324", [123456789.125] = "123456789.125", [1e21] = "1e21",
    [2 ^ 63] = "9.223372036854776e18", [1.7976931348623157e308] = "1.7976931348623157e308",
}) do
    assert(json_encode(number) == text, json_encode(number))
    assert(json_decode(text) == number)
end
assert(json_encode(-0.0) == "-0" and 1 / json_decode("-0") == -math.huge)
assert(json_decode("1E+2") == 100 and json_decode("-0.5e-1") == -0.05
    and json_decode("12345678901234567890") == 12345678901234567890)
assert(json_decode("1e-999") == 0)
assert(json_decode([["\u0041\/\u00e9\u20ac\ud83d\ude00\u0000"]]) == "A/é€😀\0")
assert(json_decode(" \t\r\n true \n") == true and json_decode("null") == nil)
assert(json_decode("\239\187\191[1]")[1] == 1)

-- Tables.
assert(json_encode({}) == "[]" and json_encode({ 1, { 2 }, {} }) == "[1,[2],[]]")
assert(json_encode({ b = 1, a = { c = {} } }) == '{"a":{"c":[]},"b":1}')
assert(json_encode(json_decode('{"a": {}, "b": []}')) == '{"a":{},"b":[]}')
assert(json_encode(json.object({ [10] = 1, [2] = 2, x = 3 })) == '{"2":2,"10":1,"x":3}')
local shared = { 1 }
assert(json_encode({ shared, shared }) == "[[1],[1]]")
assert(json_encode({ 1, json.null, 3 }) == "[1,null,3]" and tostring(json.null) == "null")
assert(json_decode("[1,null,3]")[3] == 3 and json_decode('{"a":null}').a == nil)
assert(json_decode("[null]", { null = false })[1] == false)
assert(json_decode('{"a":1,"a":2}').a == 2)
assert(json_encode(setmetatable({ 1 }, { __index = error, __len = error, __tostring = error }))
    == "[1]")
local marked = json_decode("{}")
marked[1] = "a"
assert(json_encode(marked) == '{"1":"a"}')
assert(json_encode({ a = { 1, {} }, b = json.object() }, { indent = 2 }) == [[
{
  "a": [
    1,
    []
  ],
  "b": {}
}]])
assert(json_encode({ 1 }, { indent = "\t" }) == "[\n\t1\n]"
    and json_encode({ 1 }, { indent = 0 }) == "[1]")

-- Values that cannot be encoded.
refuses(print, "value: cannot encode a function")
refuses({ list = { 1, 2, { f = print } } }, "value.list[3].f: cannot encode a function")
refuses({ ["a b"] = { coroutine.create(function() end) } },
    'value["a b"][1]: cannot encode a coroutine')
refuses({ io.stdout }, "value[1]: cannot encode a userdata")
refuses({ x = 0 / 0 }, "value.x: cannot encode NaN")
refuses({ x = { math.huge } }, "value.x[1]: cannot encode infinity")
refuses({ 1, nil, 3 }, "value: cannot encode a list with gaps")
refuses({ a = { [5] = 1 } }, "value.a: cannot encode a list with gaps")
refuses({ [1.5] = 1 }, "value[1.5]: cannot encode a fractional key")
refuses({ a = { 1, [-0.5] = 2, x = 3 } }, "value.a[-0.5]: cannot encode a fractional key")
refuses({ [math.huge] = 1 }, "value: cannot encode a list with gaps")
refuses({ a = { 1, x = 2 } }, "value.a: cannot encode a table with both list items and fields")
refuses({ [true] = 1 }, "value[true]: cannot encode a boolean key")
refuses({ [print] = 1 }, "value[function]: cannot encode a key of this type")
refuses({ s = "\255" }, "value.s: cannot encode a string that is not valid UTF-8")
refuses({ ["\255"] = 1 }, "value[\"\239\191\189\"]: cannot encode a string that is not valid UTF-8")
local cycle = {}
cycle.a = { cycle }
refuses(cycle, "value.a[1]: cannot encode a table that contains itself")

-- Depth: 1000 levels, both ways.
local deep = {}
local innermost = deep
for _ = 2, 1000 do
    innermost[1] = {}
    innermost = innermost[1]
end
assert(json_encode(deep) == ("["):rep(1000) .. ("]"):rep(1000))
assert(json_encode(json_decode(json_encode(deep))) == json_encode(deep))
innermost[1] = {}
refuses(deep, "value" .. ("[1]"):rep(10) .. "..." .. ("[1]"):rep(10) .. ": nested too deeply")
fails(("["):rep(1001), "nested too deeply at line 1, column 1001")
fails(('{"a":'):rep(100000), "nested too deeply at line 1, column 5001")

-- Invalid input, with line and column.
fails("", "unexpected end of input at line 1, column 1")
fails("[1,\n 2,,3]", "unexpected ',' at line 2, column 4")
fails("[1,]", "unexpected ']' at line 1, column 4")
fails('{"a":1,}', "unexpected '}' at line 1, column 8")
fails('{"é" 1}', "unexpected '1' at line 1, column 6")
fails("{a:1}", "unexpected 'a' at line 1, column 2")
fails("[1 2]", "unexpected '2' at line 1, column 4")
fails("[1}", "unexpected '}' at line 1, column 3")
fails("1 1", "unexpected '1' at line 1, column 3")
fails("01", "unexpected '1' at line 1, column 2")
fails("-", "unexpected end of input at line 1, column 2")
fails("1.", "unexpected end of input at line 1, column 3")
fails("1e+", "unexpected end of input at line 1, column 4")
fails("+1", "unexpected '+' at line 1, column 1")
fails("nul", "unexpected 'n' at line 1, column 1")
fails("NaN", "unexpected 'N' at line 1, column 1")
fails("1e999", "number out of range at line 1, column 1")
fails('"abc', "unterminated string at line 1, column 5")
fails('"abc\\', "unterminated string at line 1, column 6")
fails('"a\nb"', "control character in a string at line 1, column 3")
fails('"\\x"', "unknown escape at line 1, column 2")
fails('"\\u12g4"', "four hexadecimal digits expected at line 1, column 4")
fails('"\\ud800"', "unpaired surrogate at line 1, column 2")
fails('"\\ud800\\u0041"', "unpaired surrogate at line 1, column 2")
fails('"\\udc00"', "unpaired surrogate at line 1, column 2")
fails('["é\255"]', "invalid UTF-8 at line 1, column 4")
fails("[1]\0", "unexpected byte 0x00 at line 1, column 4")
fails("/* */ 1", "unexpected '/' at line 1, column 1")

-- Invalid arguments.
local function raises(code, message)
    local ok, got = pcall(assert(loadstring(code, "=code")))
    assert(not ok and got == "code:1: " .. message, tostring(got))
end
raises("json_decode(nil)", "bad argument #1 to 'json_decode' (string expected, got nil)")
raises("json_decode({})", "bad argument #1 to 'json_decode' (string expected, got table)")
raises("json_decode('1', true)", "bad argument #2 to 'json_decode' (table expected, got boolean)")
raises("json_encode()", "bad argument #1 to 'json_encode' (value expected)")
raises("json_encode(1, { indent = 33 })",
    "bad argument #2 to 'json_encode' (option 'indent': number from 0 to 32 or string of "
    .. "spaces expected)")
raises("json.encode(1, { indent = 'x' })",
    "bad argument #2 to 'encode' (option 'indent': number from 0 to 32 or string of spaces "
    .. "expected)")
raises("json.encode(1, { intend = 2 })",
    "bad argument #2 to 'encode' (unknown option 'intend' (expected one of indent))")
raises("json.object(1)", "bad argument #1 to 'object' (table expected, got number)")

-- JSON with comments.
assert(json_encode(jsonc.decode('// a\n{"a": /* b */ [1, 2, /**/ ], // c\r\n"b": {"c": 1,},}//'))
    == '{"a":[1,2],"b":{"c":1}}')
local _, message = jsonc.decode("[1, /* ]")
assert(message == "unterminated comment at line 1, column 5")
_, message = jsonc.decode("[,]")
assert(message == "unexpected ',' at line 1, column 2")
_, message = jsonc.decode("/x")
assert(message == "unexpected '/' at line 1, column 1")
assert(jsonc.encode({ a = 1 }) == '{\n  "a": 1\n}')

-- Long documents, past the sizes at which work is sliced and stored.
local list, map = {}, {}
for i = 1, 5000 do
    list[i] = { i, "item " .. i }
    map["key" .. i] = i / 8
end
local text = json_encode({ list = list, map = map })
local copy = json_decode(text)
assert(#copy.list == 5000 and copy.list[5000][2] == "item 5000" and copy.map.key4999 == 4999 / 8)
assert(json_encode(copy) == text)

-- Other goroutines run in the meantime, and may change the value.
local ticks = 0
local big = {}
for i = 1, 20000 do
    big[i] = { i }
end
go(function()
    while big do
        ticks = ticks + 1
        big[#big] = nil
        sleep(0)
    end
end)
local ok, result = pcall(json_encode, big)
big = nil
assert(ticks > 0 and (ok or result:find("a list with gaps", 1, true)))
for _, indent in ipairs { 1.5, -1, 33, 0 / 0, 1 / 0 } do
    local ok, message = pcall(json_encode, {}, { indent = indent })
    assert(not ok and message:find("option 'indent': number from 0 to 32", 1, true), message)
end
