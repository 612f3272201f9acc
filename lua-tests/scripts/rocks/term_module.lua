-- term, as in lua-term 0.7 under lua5.1.
if go then
    package.path = ""
end
local term = require "term"
local colors, cursor = term.colors, term.cursor
assert(colors == require "term.colors" and cursor == require "term.cursor")
assert(require("term.core").isatty)

local codes = {
    reset = 0, clear = 0, default = 0, bright = 1, dim = 2, underscore = 4, blink = 5, reverse = 7,
    hidden = 8, black = 30, red = 31, green = 32, yellow = 33, blue = 34, magenta = 35, cyan = 36,
    white = 37, onblack = 40, onred = 41, ongreen = 42, onyellow = 43, onblue = 44,
    onmagenta = 45, oncyan = 46, onwhite = 47,
}
local count = 0
for name, color in pairs(colors) do
    assert(tostring(color) == "\27[" .. codes[name] .. "m", name)
    count = count + 1
end
assert(count == 25)
assert(colors.red "x" == "\27[31mx\27[0m" and colors.red .. "a" == "\27[31ma")
assert("a" .. colors.red == "a\27[31m" and colors.red .. colors.onblue == "\27[31m\27[44m")

local function written(f, ...)
    local file = io.tmpfile()
    f(file, ...)
    file:seek "set"
    local text = file:read "*a"
    file:close()
    return text
end
assert(written(cursor.jump, 3, 4) == "\27[3;4H" and cursor["goto"] == cursor.jump)
assert(written(cursor.goup, 2) == "\27[2;A" and written(cursor.godown, 2) == "\27[2;B")
assert(written(cursor.goright, 2) == "\27[2;C" and written(cursor.goleft, 2) == "\27[2;D")
assert(written(cursor.save) == "\27[s" and written(cursor.restore) == "\27[u")
assert(written(term.clear) == "\27[2J" and written(term.cleareol) == "\27[K")
assert(not pcall(cursor.goup))

local file = io.tmpfile()
assert(not term.isatty(file))
file:close()
assert(not pcall(term.isatty, 1))
print "ok"
