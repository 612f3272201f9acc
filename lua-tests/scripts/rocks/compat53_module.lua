-- compat53.module and the halves of compat53 that are C modules in the original; the assertions
-- hold for compat53 0.7 under lua5.1, too.
if go then
    -- The files of an installed compat53 would be found first.
    package.path = ""
end

local M = require "compat53.module"

local function fails(text, f, ...)
    local ok, message = pcall(f, ...)
    assert(not ok and tostring(message):find(text, 1, true), message)
end

-- table: metamethods are respected.
local log = {}
local function proxy(list)
    return setmetatable({}, {
        __len = function() return #list end,
        __index = function(_, i) return list[i] end,
        __newindex = function(_, i, value)
            log[#log + 1] = i
            list[i] = value
        end,
    })
end
local t = M.table
local list = { 10, 20, 30 }
assert(t.concat(proxy(list), "-") == "10-20-30" and t.concat(proxy(list), "-", 2, 3) == "20-30")
t.insert(proxy(list), 40)
t.insert(proxy(list), 1, 5)
assert(table.concat(list, ",") == "5,10,20,30,40")
assert(t.remove(proxy(list)) == 40 and t.remove(proxy(list), 1) == 5 and #list == 3)
-- Positions are those of Lua 5.3, and there is always a result.
assert(select("#", t.remove {}) == 1 and select("#", t.remove({}, 0)) == 1)
assert(t.remove { [0] = "zero" } == "zero" and t.remove({ 1, 2 }, 3) == nil)
assert(t.remove({ 1, 2, 3 }, 2) == 2 and t.remove({ 1, 2, 3 }, nil) == 3)
fails("position out of bounds", t.remove, {}, 2)
fails("position out of bounds", t.remove, { 1, 2, 3 }, 0)
fails("position out of bounds", t.insert, { 1, 2, 3 }, 5, "x")
fails("table expected, got number", t.remove, 5)
assert(select("#", t.unpack(proxy(list))) == 3 and t.unpack(proxy(list), 3) == 30)
t.sort(proxy(list), function(a, b) return a > b end)
assert(list[1] == 30 and list[3] == 10 and #log > 0)
assert(t.pack(1, nil, nil).n == 3)
assert(table.concat(t.move({ 1, 2, 3 }, 1, 3, 2), ",") == "1,1,2,3")
assert(table.concat(t.move({ 1, 2, 3 }, 2, 3, 1), ",") == "2,3,3")
assert(table.concat(t.move({ 1, 2, 3 }, 1, 3, 3, { 9, 9 }), ",") == "9,9,1,2,3")
fails("position out of bounds", t.insert, proxy(list), 9, 1)
fails("wrong number of arguments to 'insert'", t.insert, proxy(list), 1, 2, 3)

-- math
assert(M.math.type(1) == "integer" and M.math.type(1.5) == "float" and M.math.type("1") == nil)
assert(M.math.tointeger(3) == 3 and M.math.tointeger(3.5) == nil)
assert(M.math.ult(1, 2) and M.math.ult(1, -1) and not M.math.ult(-1, 1))
assert(M.math.maxinteger == 2 ^ 53 and M.math.mininteger == -2 ^ 53)
fails("bad argument #1 to 'math.ult' (number has no integer representation)", M.math.ult, 1.5, 2)
assert(M.math.log(8, 2) == 3)

-- Basic functions.
assert(M.assert(1, 2) == 1)
fails("assertion failed!", M.assert, false)
local object = {}
assert(select(2, pcall(M.assert, nil, object)) == object)
local seen = 0
for i, value in M.ipairs(proxy { 1, 2 }) do
    seen = seen + i * value
end
assert(seen == 5)
local pairs_of = setmetatable({}, { __pairs = function() return next, { a = 1 }, nil end })
for key, value in M.pairs(pairs_of) do
    assert(key == "a" and value == 1)
end
assert(M.rawlen({ 1, 2 }) == 2 and M.rawlen("abc") == 3)
fails("table or string expected", M.rawlen, 1)
local chunk = M.load("return x", "=c", "t", { x = 7 })
assert(chunk() == 7)
local _, refusal = M.load("return 1", "=c", "b")
assert(refusal == "attempt to load a text chunk (mode is 'b')")
local parts = { "return ", "5" }
assert(M.load(function() return table.remove(parts, 1) end)() == 5)
assert(select(2, M.xpcall(function(a) return a end, print, 3)) == 3)

-- coroutine
local main, is_main = M.coroutine.running()
assert(type(main) == "thread" and is_main and M.coroutine.status(main) == "running")
assert(select(2, M.coroutine.resume(main)) == "cannot resume non-suspended coroutine")
fails("attempt to yield from outside a coroutine", M.coroutine.yield)
local thread = M.coroutine.create(function()
    local current, main = M.coroutine.running()
    return current, main
end)
local _, current, inside_main = M.coroutine.resume(thread)
assert(current == thread and inside_main == false)

-- string
assert(M.string.find("a\0b", "\0") == 2 and M.string.match("a\0b", "\0(.)") == "b")
assert(M.string.gsub("a\0b", "\0", "-") == "a-b" and M.string.rep("a", 3, ",") == "a,a,a")
assert(M.string.format("%s %5s %%", setmetatable({}, { __tostring = function() return "x" end }),
    "y") == "x     y %")
assert(M.string.format("%q", "a\0b\0001\n\"\\") == '"a\\0b\\0001\\\n\\"\\\\"')
assert(M.string.pack("i1", 5) == "\5" and M.string.packsize("i4") == 4)

-- utf8
assert(M.utf8.char(228, 8364) == "\195\164\226\130\172" and M.utf8.len("\195\164x") == 2)
assert(M.utf8.codepoint("\226\130\172") == 8364 and M.utf8.offset("\195\164x", 2) == 3)
assert(package.loaded.utf8 == M.utf8)

-- io
local path = os.tmpname()
local file = io.open(path, "w")
file:write("one\ntwo 3\n")
file:close()
local lines = {}
for line in M.io.lines(path, "l") do
    lines[#lines + 1] = line
end
assert(#lines == 2 and lines[2] == "two 3")
for all in M.io.lines(path, "a") do
    assert(all == "one\ntwo 3\n")
    break
end
fails("bad argument #2 to 'for iterator' (invalid format)", M.io.lines, path, "x")

-- compat53 itself writes all this into the globals.
assert(not rawlen)
require "compat53"
assert(rawlen("ab") == 2 and table.pack(1).n == 1 and string.pack and math.type(1) == "integer")
assert(package.searchers)
file = io.open(path)
assert(file:read("l") == "one" and file:read("n") == nil)
file:close()
file = io.open(path, "w")
assert(file:write("x") == file)
file:close()
os.remove(path)
print "ok"

-- The functions of the module may become those of the global table.
do
    local library = require("compat53.module").table
    local before = table.concat
    for name, f in pairs(library) do table[name] = f end
    local list = { "a" }
    table.insert(list, "b")
    assert(table.concat(list) == "ab" and table.remove(list) == "b")
    table.concat = before
end
