-- yaml: the core schema, styles, anchors and merge keys, both ways; messages with positions;
-- hostile input.

local function same(a, b)
    if type(a) ~= "table" or type(b) ~= "table" then
        return a == b
    end
    for k, v in pairs(a) do
        if not same(v, b[k]) then return false end
    end
    for k in pairs(b) do
        if a[k] == nil then return false end
    end
    return true
end

-- Plain scalars follow the core schema.
local scalars = assert(yaml.decode([[
nulls: [null, Null, NULL, ~, ]
booleans: [true, True, TRUE, false, False, FALSE]
numbers: [0, -19, +7, 0o14, 0xFf, 1.5, -.5, 12e03, -2E+05, 1., .inf, -.Inf]
strings: [yes, No, on, 1_000, 0b1, "true", '12', 1.2.3, 2001-12-14, 12:30:45, e3, inf, nan, 0x,
  +.5.]
]]))
assert(#scalars.nulls == 0)
assert(same(scalars.booleans, { true, true, true, false, false, false }))
assert(same(scalars.numbers, {
    0, -19, 7, 12, 255, 1.5, -0.5, 12000, -200000, 1, math.huge, -math.huge,
}))
assert(same(scalars.strings, {
    "yes", "No", "on", "1_000", "0b1", "true", "12", "1.2.3", "2001-12-14", "12:30:45", "e3", "inf",
    "nan", "0x", "+.5.",
}))
assert(yaml.decode(".nan") ~= yaml.decode(".nan"))
assert(yaml.decode("") == nil and yaml.decode("# nothing\n") == nil and yaml.decode("--- 5") == 5)
assert(same(yaml.decode("[!!str 12, !!float 1, !!int 3, !local 12, !!binary aGVsbG8=, ! 12]"), {
    "12", 1, 3, "12", "hello", "12",
}))

-- Structures.
local value = assert(yaml.decode([[
a:
  - 1
  - b: two
    c: |
      line one
      line two
  - [x, {y: z}]
? key
: >-
  folded
  text
8080: port
true: yes it is
empty: {}
none: []
]]))
assert(same(value.a, { 1, { b = "two", c = "line one\nline two\n" }, { "x", { y = "z" } } }))
assert(value.key == "folded text" and value[8080] == "port" and value[true] == "yes it is")
assert(yaml.encode(yaml.decode("{a: {}, b: [], c: {1: x}}")) == "a: {}\nb: []\nc:\n  1: x\n")

-- Anchors and merge keys.
value = assert(yaml.decode([[
base: &base {x: 1, y: 2}
more: &more {y: 3, z: 4}
one: {<<: *base, y: 5}
two: {<<: [*base, *more], w: 6}
three:
  <<: {v: 7}
text: &t hello
again: *t
quoted: {"<<": 1}
]]))
assert(same(value.one, { x = 1, y = 5 }) and same(value.two, { x = 1, y = 2, z = 4, w = 6 })
    and value.three.v == 7)
assert(value.again == "hello" and value.quoted["<<"] == 1)
assert(same(yaml.decode("&k a: &v b\n*v : *k"), { a = "b", b = "a" }))
assert(yaml.decode("\239\187\191a: 1").a == 1)
local shared = yaml.decode("[&a [1], *a]")
assert(rawequal(shared[1], shared[2]))

-- Nulls on request.
value = yaml.decode("a: null\nb: [1, ~, 3]", { null = json.null })
assert(value.a == json.null and value.b[2] == json.null and yaml.decode("", { null = 1 }) == nil)

-- Multiple documents.
assert(same(yaml.decode_all("--- 1\n--- [2]\n...\n---\na: 3\n"), { 1, { 2 }, { a = 3 } }))
assert(#yaml.decode_all("") == 0)

local function fails(text, message)
    local value, got = yaml.decode(text)
    assert(value == nil and got == message, tostring(got))
end
fails("--- 1\n--- 2", "more than one document (use yaml.decode_all) at line 2, column 1")
fails("a: 1\na: 2", "duplicate key 'a' at line 2, column 1")
fails("&a [*a]", "a node cannot contain itself at line 1, column 5")
fails("<<: 1", "'<<' requires a map or a list of maps at line 1, column 5")
fails("<<: [{}, 1]", "'<<' requires a map or a list of maps at line 1, column 10")
fails("? [a]\n: 1", "a key must be a string, a number or a boolean at line 1, column 3")
fails("~: 1", "a key must be a string, a number or a boolean at line 1, column 1")
fails("- &a [1]\n- *a : 1", "a key must be a string, a number or a boolean at line 2, column 3")
fails("&k a: 1\n*k : 2", "duplicate key '*' at line 2, column 1")
fails(".nan: 1", "a key must be a string, a number or a boolean at line 1, column 1")
fails("!!int x", "'x' is not a valid '!!int' at line 1, column 1")
fails("!!binary '*'", "invalid base64 in '!!binary' at line 1, column 1")
fails("'\255'", "invalid UTF-8 at line 1, column 2")
fails(("["):rep(5000), "recursion limit exceeded at line 1, column 256")
fails(("- "):rep(5000), "nested too deeply at line 1, column 2001")
for _, text in ipairs({
    "[1", "{a: 1", "'abc", '"abc', "a: b: c", "*x", "%YAML 3", "\t- a", "- a\nb", "@x", "a: |x\n b",
    "&a", "!<",
}) do
    local result, message = yaml.decode(text)
    assert(result ~= nil or message == nil or message:find("at line %d+, column %d+$"),
        text .. ": " .. tostring(message))
end

-- Aliases do not make data larger than its text.
local bomb = { "a0: &a0 [lol, lol, lol]" }
for i = 1, 60 do
    local last = "*a" .. i - 1
    bomb[#bomb + 1] = ("a%d: &a%d [%s]"):format(i, i, (last .. ", "):rep(9) .. last)
end
local used = collectgarbage("count")
value = assert(yaml.decode(table.concat(bomb, "\n")))
assert(value.a60[1][2][3][4][5] and collectgarbage("count") - used < 1000)
local nothing, message
local merges = { "m: &m" }
for i = 1, 2000 do
    merges[#merges + 1] = (" k%d: 1"):format(i)
end
for i = 1, 2000 do
    merges[#merges + 1] = ("x%d: {<<: *m}"):format(i)
end
nothing, message = yaml.decode(table.concat(merges, "\n"))
assert(nothing == nil and message == "too many merged fields", message)

-- Writing.
assert(yaml.encode({ name = "Example", version = "1.0", config = { debug = true } }) == [[
config:
  debug: true
name: Example
version: "1.0"
]])
assert(yaml.encode({ 1, { 2, { 3 } }, { a = { 4, { b = 5, c = {} } } }, "x", json.null }) == [[
- 1
- - 2
  - - 3
- a:
    - 4
    - b: 5
      c: []
- x
- null
]])
assert(yaml.encode({
    text = "one\ntwo\n", open = "one\n\ntwo", list = { "a\nb" }, odd = " a\nb", tabs = "a\tb",
    last = "a\n\n",
}) == [[
last: "a\n\n"
list:
  - |-
    a
    b
odd: " a\nb"
open: |-
  one

  two
tabs: "a\tb"
text: |
  one
  two
]])
assert(yaml.encode("plain") == "plain\n" and yaml.encode(5) == "5\n"
    and yaml.encode(nil) == "null\n" and yaml.encode({}) == "[]\n")
assert(yaml.encode({ [1] = "a", [2] = "b", x = "c" }) == "1: a\n2: b\nx: c\n")
assert(yaml.encode({ 1e300, -0.0, 1 / 0, -1 / 0, 0.1, 1e-7 })
    == "- 1.0e+300\n- -0\n- .inf\n- -.inf\n- 0.1\n- 1.0e-7\n")
local strings = {
    "", " ", "a b", "yes", "No", "null", "true", "~", "1", "-1", "1.5", ".5", "0x1f", "1e5", "-",
    "- a", "a: b", "a:", ":a", "a #b", "#a", "a#b", "[a]", "{a", "a, b", "a,b", "&a", "*a", "!a",
    "|", ">", "%a", "@a", "`a", "'a", '"a"', "a'b", "é", "日本", "a ", "\t", "a\nb", "\0", "\127",
    "http://a/b?c",
    "2001-01-01", "12:30", "<<", "=", "?", "? a", "a\r\nb", "---", "...", "a\u{85}b",
    "a\u{2028}b\nc", "\u{feff}a", "y", "off", "\n", "\na\nb", "a\n b\n  c",
}
for i, text in ipairs(yaml.decode(yaml.encode(strings))) do
    assert(text == strings[i], ("%q"):format(strings[i]))
end
local keys = {}
for i, text in ipairs(strings) do
    keys[text] = i
end
assert(same(yaml.decode(yaml.encode(keys)), keys))

local function refuses(value, message)
    local ok, got = pcall(yaml.encode, value)
    assert(not ok and got == message, tostring(got))
end
refuses({ a = { print } }, "value.a[1]: cannot encode a function")
refuses({ a = "\255" }, "value.a: cannot encode a string that is not valid UTF-8")
refuses({ [{}] = 1 }, "value[table]: cannot encode a key of this type")
local cycle = {}
cycle[1] = { cycle }
refuses(cycle, "value[1][1]: cannot encode a table that contains itself")

-- A text that is parsed on the blocking pool.
local lines = {}
for i = 1, 2000 do
    lines[i] = ("- {id: %d, name: item %d}"):format(i, i)
end
local long = table.concat(lines, "\n")
value = assert(yaml.decode(long))
assert(#value == 2000 and value[2000].name == "item 2000"
    and same(yaml.decode(yaml.encode(value)), value))
nothing, message = yaml.decode(long .. "\nx")
assert(nothing == nil and message:find("at line 2002", 1, true))

-- Characters that a reader treats as line breaks, or rejects, are always escaped.
for _, code in ipairs {
    0, 7, 0x1b, 0x7f, 0x80, 0x85, 0x9f, 0x2028, 0x2029, 0xfeff, 0xfffe, 0xffff,
} do
    local character = utf8.char(code)
    for _, text in ipairs { "a" .. character .. "b", character, "a\n" .. character .. "\nb" } do
        local encoded = yaml.encode({ key = text, [text] = 1 })
        assert(not encoded:find(character, 1, true), ("U+%04X is written as it is"):format(code))
        local decoded = yaml.decode(encoded)
        assert(decoded.key == text and decoded[text] == 1, ("U+%04X"):format(code))
    end
end
for _, text in ipairs { "\u{a0}b", "a\u{e000}b", "a\u{1f600}b", "a\tb" } do
    assert(yaml.decode(yaml.encode({ text }))[1] == text)
end
assert(yaml.encode("a\u{85}\u{2028}b") == '"a\\u0085\\u2028b"\n')

-- A long key needs a question mark.
for _, length in ipairs { 1022, 1024, 1025, 5000 } do
    for _, key in ipairs { ("k"):rep(length), ("- '"):rep(length), ("\u{e9}"):rep(length) } do
        value = { [key] = 1, list = { { [key] = { [key] = { 1, 2 } } } } }
        assert(same(yaml.decode(yaml.encode(value)), value), #key)
    end
end
