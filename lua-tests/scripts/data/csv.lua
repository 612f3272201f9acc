-- csv: RFC 4180 both ways, headers, separators, files, invalid input and rows.

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

-- The examples of RFC 4180, section 2.
assert(same(csv.parse("aaa,bbb,ccc\r\nzzz,yyy,xxx\r\n"), {
    { "aaa", "bbb", "ccc" },
    { "zzz", "yyy", "xxx" },
}))
assert(same(csv.parse("aaa,bbb,ccc\r\nzzz,yyy,xxx"), {
    { "aaa", "bbb", "ccc" },
    { "zzz", "yyy", "xxx" },
}))
assert(same(csv.parse('"aaa","bbb","ccc"\r\nzzz,yyy,xxx'), {
    { "aaa", "bbb", "ccc" },
    { "zzz", "yyy", "xxx" },
}))
assert(same(csv.parse('"aaa","b\r\nbb","ccc"\r\nzzz,yyy,xxx'), {
    { "aaa", "b\r\nbb", "ccc" },
    { "zzz", "yyy", "xxx" },
}))
assert(same(csv.parse('"aaa","b""bb","ccc"'), { { "aaa", 'b"bb', "ccc" } }))
assert(same(csv.parse("field_name,other\r\naaa,bbb\r\n", { header = true }), {
    { field_name = "aaa", other = "bbb" },
}))

-- Other line ends, empty fields and lines, ragged rows, bytes of all kinds.
assert(same(csv.parse("a,b\nc,d\re,f"), { { "a", "b" }, { "c", "d" }, { "e", "f" } }))
assert(same(csv.parse(',\n\n"",\n a , b \n'), { { "", "" }, { "", "" }, { " a ", " b " } }))
assert(same(csv.parse('""\n\n'), { { "" } }) and same(csv.parse(""), {})
    and same(csv.parse("\n\r\n"), {}))
assert(same(csv.parse("\239\187\191a;\255\0", { separator = ";" }), { { "a", "\255\0" } }))
assert(same(csv.parse("a,b\n1\n2,3,4\n", { header = true }), {
    { a = "1" },
    { a = "2", b = "3", [3] = "4" },
}))
assert(same(csv.parse("a,b\n", { header = true }), {})
    and same(csv.parse("", { header = true }), {}))

local function fails(text, message)
    local rows, got = csv.parse(text)
    assert(rows == nil and got == message, tostring(got))
end
fails('a,b\n"c', "unterminated quoted field at line 2, column 1")
fails('"a"b', "text after a quoted field at line 1, column 4")
fails('a"b', "quote in an unquoted field at line 1, column 2")

-- Writing.
assert(csv.stringify({ { "a", 'b"c', "d,e", "f\ng", " h" }, { 1, 2.5, true, json.null, "" } })
    == 'a,"b""c","d,e","f\ng"," h"\r\n1,2.5,true,,\r\n')
assert(csv.stringify({}) == "" and csv.stringify({ { "" } }) == '""\r\n'
    and csv.stringify({ { "a;b", "c,d" } }, { separator = ";" }) == '"a;b";c,d\r\n')
local people = { { name = "Tom", age = 30 }, { name = "Ann, Dr." } }
assert(csv.stringify(people, { header = true }) == 'age,name\r\n30,Tom\r\n,"Ann, Dr."\r\n')
assert(csv.stringify(people, { header = { "name", "age" } })
    == 'name,age\r\nTom,30\r\n"Ann, Dr.",\r\n')
assert(csv.stringify({ { "x", "y" } }, { header = { "a", "b" } }) == "a,b\r\nx,y\r\n")
assert(csv.stringify({}, { header = { "a" } }) == "a\r\n"
    and csv.stringify({ { 0 / 0, 1 / 0, -1 / 0 } }) == "nan,inf,-inf\r\n")

-- Fields after the last column have numbers, both ways.
local ragged = "a,b\r\n1,2\r\n1,2,3,4\r\n"
assert(csv.stringify(csv.parse(ragged, { header = true }), { header = true }) == ragged)

local function refuses(message, ...)
    local ok, got = pcall(csv.stringify, ...)
    assert(not ok and got == message, tostring(got))
end
refuses("rows[2]: table expected, got number", { {}, 5 })
refuses("rows[1][2]: cannot encode a function as CSV", { { 1, print } })
refuses("rows[1].x: cannot encode a table as CSV", { { x = {} } }, { header = true })
refuses("rows[1][4]: unknown column", { { a = 1, b = 2, [4] = "x" } }, { header = true })
refuses("rows[1][boolean]: unknown column", { { a = 1, [true] = 2 } }, { header = { "a" } })
refuses("rows[1][3]: cannot encode a table as CSV", { { a = 1, b = 2, [3] = {} } },
    { header = true })
refuses("rows[1]: a row with named fields requires the option 'header'", { { x = 1 } })

local function raises(code, message)
    local ok, got = pcall(assert(loadstring(code, "=code")))
    assert(not ok and got == "code:1: " .. message, tostring(got))
end
raises("csv.parse()", "bad argument #1 to 'parse' (string expected, got no value)")
raises("csv.parse('', { separator = '' })",
    "bad argument #2 to 'parse' (option 'separator': must be one byte other than a quote or "
    .. "line break)")
raises("csv.parse('', { separator = '\"' })",
    "bad argument #2 to 'parse' (option 'separator': must be one byte other than a quote or "
    .. "line break)")
raises("csv.stringify({ { 1, 2 }, name = 1 })", "rows.name: rows must be a list without gaps")
raises("csv.stringify({ name = 1 }, { header = true })",
    "rows.name: rows must be a list without gaps")
raises("csv.stringify({ { 1 }, nil, { 3 } })", "rows[3]: rows must be a list without gaps")
raises("csv.stringify({ { 1, 2, name = 3 } })", "rows[1].name: a list row cannot have named fields")
raises("csv.stringify('')", "bad argument #1 to 'stringify' (table expected, got string)")
raises("csv.stringify({}, { header = { 1 } })",
    "bad argument #2 to 'stringify' (option 'header': a boolean or a list of strings expected)")
raises("csv.write('x', {}, { separator = 5 })",
    "bad argument #3 to 'write' (option 'separator': string expected, got number)")
raises("csv.parse('', { headers = true })",
    "bad argument #2 to 'parse' (unknown option 'headers' (expected one of header, separator))")

-- Files, and many rows.
local path = os.tmpname()
local rows = {}
for i = 1, 3000 do
    rows[i] = { "row " .. i, 'say "' .. i .. '"', "" }
end
assert(csv.write(path, rows) == true)
assert(same(csv.read(path), rows) and same(csv.parse(csv.stringify(rows)), rows))
assert(csv.write(path, people, { header = true, separator = "\t" })
    and csv.read(path, { header = true, separator = "\t" })[2].name == "Ann, Dr.")
-- A row that cannot be written leaves the file unchanged.
assert(not pcall(csv.write, path, { { print } })
    and csv.read(path, { separator = "\t" })[2][2] == "Tom")
local file = assert(io.open(path, "wb"))
file:write('"open')
file:close()
local nothing, message = csv.read(path)
assert(nothing == nil and message == path .. ": unterminated quoted field at line 1, column 1")
os.remove(path)
nothing, message = csv.read(path)
assert(nothing == nil and message == path .. ": No such file or directory")
nothing, message = csv.write(path .. "/x", {})
assert(nothing == nil and message:find(path .. "/x: ", 1, true) == 1)
