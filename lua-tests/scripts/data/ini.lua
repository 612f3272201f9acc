-- ini: sections and fields both ways, files, invalid input and tables.

local settings = assert(
    ini.parse("\239\187\191; a comment\nname = test\n  # another\n\n[owner]\r\nname: Tom Doe\r\n"
    .. "url = http://x/?a=b;c#d\nempty=\nquoted = \"  a b \"\n[ two ]\n\240\159 = \255\n[owner]\n"
    .. "age = 30\nname = Ann\n"))
assert(settings.name == "test" and settings.owner.name == "Ann" and settings.owner.age == "30"
    and settings.owner.empty == "")
assert(settings.owner.url == "http://x/?a=b;c#d" and settings.owner.quoted == "  a b "
    and settings.two["\240\159"] == "\255")
assert(next(ini.parse("")) == nil and next(ini.parse("[a]").a) == nil)
assert(ini.parse('a = "').a == '"' and ini.parse('a = ""').a == ""
    and ini.parse('a = "x" "y"').a == 'x" "y')

local function fails(text, message)
    local value, got = ini.parse(text)
    assert(value == nil and got == message, tostring(got))
end
fails("[a\n", "']' expected at line 1, column 3")
fails("a = 1\n  b", "'=' expected at line 2, column 4")
fails("= 1", "key expected at line 1, column 1")

assert(ini.stringify({}) == "" and ini.stringify({
    b = { y = 1, x = true }, a = { z = " s " }, n = 0.5, [1] = "one", q = '"q"', e = "",
})
    == '1 = one\ne = \nn = 0.5\nq = ""q""\n\n[a]\nz = " s "\n\n[b]\nx = true\ny = 1\n')
local copy =
    ini.parse(ini.stringify({ q = '"q"', s = " x", b = '"', e = "", sec = { ["a b"] = "c = d" } }))
assert(copy.q == '"q"' and copy.s == " x" and copy.b == '"' and copy.e == ""
    and copy.sec["a b"] == "c = d")

local function refuses(value, message)
    local ok, got = pcall(ini.stringify, value)
    assert(not ok and got == message, tostring(got))
end
refuses({ a = { b = {} } }, "value.a.b: cannot encode a table as INI")
refuses({ a = print }, "value.a: cannot encode a function as INI")
refuses({ a = "x\ny" }, "value.a: cannot encode a multi-line string as INI")
refuses({ ["a=b"] = 1 }, "value.a=b: invalid key")
refuses({ [""] = 1 }, "value.: invalid key")
refuses({ ["[x"] = 1 }, "value.[x: invalid key")
refuses({ ["x]"] = {} }, "value.x]: invalid section name")
refuses({ [true] = 1 }, "value: invalid key (a boolean value)")

local path = os.tmpname()
assert(ini.write(path, settings) == true and ini.read(path).owner.name == "Ann")
assert(not pcall(ini.write, path, { a = print }) and ini.read(path).owner.name == "Ann")
local file = assert(io.open(path, "wb"))
file:write("x")
file:close()
local nothing, message = ini.read(path)
assert(nothing == nil and message == path .. ": '=' expected at line 1, column 2")
os.remove(path)
nothing, message = ini.read(path)
assert(nothing == nil and message == path .. ": No such file or directory")
local ok, wrong = pcall(loadstring("ini.write('x')", "=code"))
assert(not ok and wrong == "code:1: bad argument #2 to 'write' (table expected, got no value)")
