-- toml: sections and inline values both ways, messages with positions, values that cannot be
-- encoded.

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

local value = assert(toml.decode([==[
# a comment
title = "TOML \u00e9"
count = 1_000
hex = 0xff
ratio = 6.5e-3
never = -inf
on = true
day = 1979-05-27
at = 1979-05-27T07:32:00-08:00
list = [1, [2, 'three'], {four = 4}]
text = """
one
two"""
a.b.c = 1

[owner]
name = "Tom"

[[points]]
x = 1
[[points]]
x = 2
[points.more]
y = {}
]==]))
assert(value.title == "TOML é" and value.count == 1000 and value.hex == 255
    and value.ratio == 0.0065)
assert(value.never == -math.huge and value.on == true and value.text == "one\ntwo")
assert(value.day == "1979-05-27" and value.at == "1979-05-27T07:32:00-08:00")
assert(value.list[2][2] == "three" and value.list[3].four == 4 and value.a.b.c == 1)
assert(value.owner.name == "Tom" and #value.points == 2 and value.points[2].more.y)
assert(same(toml.decode(toml.encode(value)), value))

assert(toml.decode("\239\187\191a = 1").a == 1 and toml.decode("a = 07:32").a == "07:32:00")
assert(toml.encode({}) == "" and next(toml.decode("")) == nil)
assert(toml.encode({
    b = 1, a = { c = { d = "x" }, e = {} }, list = { { x = 1 }, { x = 2, y = { z = {} } } },
    ["odd key"] = json.object(),
}) == [==[
b = 1

[a]
e = []

[a.c]
d = "x"

[[list]]
x = 1

[[list]]
x = 2

[list.y]
z = []

["odd key"]
]==])
assert(toml.encode({ mixed = { 1, { a = { { b = 2 } } }, {} }, s = "\"\\\n\1" }) == [==[
mixed = [1, { a = [{ b = 2 }] }, []]
s = "\"\\\n\u0001"
]==])
assert(toml.encode({ x = 1 / 0, y = -1 / 0, z = -0.0, w = 1e300, v = 0.5 })
    == "v = 0.5\nw = 1e300\nx = inf\ny = -inf\nz = -0.0\n")
assert(toml.encode({ x = 0 / 0 }) == "x = nan\n")
assert(toml.encode({ a = { b = { c = { d = 1 } } } }) == "[a.b.c]\nd = 1\n")
assert(toml.encode(toml.decode("[a]\n[b]\n")) == "[a]\n\n[b]\n")

local function fails(text, message)
    local value, got = toml.decode(text)
    assert(value == nil and got == message, tostring(got))
end
fails("a = ", "string values must be quoted, expected literal string at line 1, column 5")
fails("a = 1\na = 2", "duplicate key at line 2, column 1")
fails("x = 1\n[x]", "duplicate key at line 2, column 2")
fails("a = 9223372036854775808", "integer out of range at line 1, column 5")
fails("a = '\255'", "invalid UTF-8 at line 1, column 6")
assert(select(2, toml.decode("a = " .. ("["):rep(5000))):find("at line 1", 1, true))
assert(select(2, toml.decode("a = " .. ("{a="):rep(5000))):find("at line 1", 1, true))
assert(select(2, toml.decode("[" .. ("a."):rep(100000) .. "a]")) == nil or true)

local function refuses(value, message)
    local ok, got = pcall(toml.encode, value)
    assert(not ok and got == message, tostring(got))
end
refuses({ 1 }, "value: a TOML document must be a table with named fields")
refuses({ a = { 1, json.null } }, "value.a[2]: TOML has no null")
refuses({ a = { b = print } }, "value.a.b: cannot encode a function")
refuses({ a = "\255" }, "value.a: cannot encode a string that is not valid UTF-8")
refuses({ a = { [1] = 1, x = 2 } },
    "value.a: cannot encode a table with both list items and fields")
local cycle = {}
cycle.a = cycle
refuses(cycle, "value.a: cannot encode a table that contains itself")

local ok, message = pcall(loadstring("toml.encode('x')", "=code"))
assert(not ok and message == "code:1: bad argument #1 to 'encode' (table expected, got string)")
ok, message = pcall(loadstring("toml.decode()", "=code"))
assert(not ok and message == "code:1: bad argument #1 to 'decode' (string expected, got no value)")

-- A text that is parsed on the blocking pool, and an invalid one.
local lines = {}
for i = 1, 3000 do
    lines[i] = ("key%d = [%d, 'text %d']"):format(i, i, i)
end
local long = table.concat(lines, "\n")
local decoded = assert(toml.decode(long))
assert(decoded.key3000[2] == "text 3000" and same(toml.decode(toml.encode(decoded)), decoded))
fails(long .. "\nkey1 = 2", "duplicate key at line 3001, column 1")
