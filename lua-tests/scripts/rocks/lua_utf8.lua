-- lua-utf8: the functions for characters.
local utf8 = require "lua-utf8"
local a, o, u, cjk = "\195\164", "\195\182", "\195\188", "\228\189\160\229\165\189"
local s = a .. "b" .. o .. "d" .. u

local function fails(text, f, ...)
    local ok, message = pcall(f, ...)
    assert(not ok and tostring(message):find(text, 1, true), message)
end

local function same(expected, ...)
    local got = { ... }
    for i = 1, math.max(#expected, #got) do
        assert(got[i] == expected[i], i .. ": " .. tostring(got[i]))
    end
end

-- Parts.
assert(utf8.len(s) == 5 and utf8.sub(s, 2, 3) == "b" .. o and utf8.sub(s, -2) == "d" .. u)
assert(utf8.sub(s, 0) == s and utf8.sub(s, -100, 100) == s and utf8.sub(s, 4, 3) == "")
assert(utf8.sub(s, 100, 200) == "" and utf8.sub(s, -200, -100) == "" and utf8.sub("", 1) == "")
same({ 228 }, utf8.byte(s))
same({ 228, 98, 246 }, utf8.byte(s, 1, 3))
same({}, utf8.byte(s, 6))
assert(utf8.reverse(s) == u .. "d" .. o .. "b" .. a)
assert(utf8.reverse "e\204\129x" == "xe\204\129" and utf8.reverse("e\204\129", true) == "\204\129e")
assert(utf8.insert("abc", "x") == "abcx" and utf8.insert(s, 2, "x") == a .. "xb" .. o .. "d" .. u)
assert(utf8.insert("abc", -1, "x") == "abxc" and utf8.insert("abc", 4, "x") == "abcx")
assert(utf8.remove(s) == a .. "b" .. o .. "d" and utf8.remove(s, 2, 3) == a .. "d" .. u)
assert(utf8.remove("abc", 5) == "abc" and utf8.remove("abc", -100, 0) == "abc")

-- Case and width.
assert(utf8.upper(s) == "\195\132B\195\150D\195\156" and utf8.lower(utf8.upper(s)) == s)
assert(utf8.upper(228) == 196 and utf8.fold "\195\132" == a and utf8.title "x" == "X")
assert(utf8.upper "\195\159" == "\195\159" and utf8.upper "\255x" == "\255X")
local long = ("x" .. a):rep(10000)
assert(utf8.lower(utf8.upper(long)) == long)
assert(utf8.ncasecmp(s, utf8.upper(s)) == 0 and utf8.ncasecmp("a", "B") == -1)
assert(utf8.ncasecmp("b", "A") == 1)
assert(utf8.width "abc" == 3 and utf8.width(cjk) == 4 and utf8.width(0x4E2D) == 2)
assert(utf8.width "e\204\129" == 1)

-- Positions.
same({ 3, 98 }, utf8.charpos(s, 2))
same({ 1, 228 }, utf8.charpos(s))
same({ 7, 252 }, utf8.charpos(s, -1))
assert(utf8.offset(cjk, 0) == 1 and utf8.offset(cjk, 0, 5) == 4 and utf8.offset(cjk, 2) == 4)
assert(utf8.charpos(s, 6) == nil and utf8.charpos(s, -6) == nil)
same({ 3, 98 }, utf8.charpos(s, 1, 1))
local seen = {}
for position, code in utf8.next, s do
    seen[#seen + 1] = position .. ":" .. code
end
assert(table.concat(seen, " ") == "1:228 3:98 4:246 6:100 7:252")
same({ 4, 22909 }, utf8.next(cjk, 1))
assert(utf8.escape "%123%u{123}%xABC%x{ABC}%d%%" == "{{\224\170\188\224\170\188d%")
fails("invalid escape 'a'", utf8.escape, "%{1a1}")

-- Validity.
assert(utf8.isvalid(s) and not utf8.isvalid "a\255" and utf8.invalidoffset "ab\255" == 3)
assert(utf8.invalidoffset(s) == nil)
same({ "a\239\191\189b", false }, utf8.clean "a\255b")
same({ s, true }, utf8.clean(s))
same({ "a?b", false }, utf8.clean("a\255b", "?"))

-- Searches.
same({ 3, 3 }, utf8.find(s, o))
same({ 2, 4 }, utf8.find(s, "b.d"))
same({ 5, 5, u }, utf8.find(s, "(.)$"))
same({ 4, 3 }, utf8.find(s, "", 4))
assert(utf8.find(s, "x") == nil and utf8.find(s, "b", 3) == nil and utf8.find(s, "", 7) == nil)
same({ 2, 2 }, utf8.find("a.b", ".", 2, true))
same({ a .. "b", "d" }, utf8.match(s, "^(..).(.)"))
same({ 3, o }, utf8.match(s, "b()(.)"))
assert(utf8.match("x" .. cjk .. "y", "%a+") == "x" .. cjk .. "y" and utf8.match(a, "%l") == a)
assert(utf8.match(a, "%u") == nil and utf8.match("\195\132", "%u") == "\195\132")
assert(utf8.match(s, "[" .. a .. "-" .. u .. "]+") == a and utf8.match(s, "[^b]+") == a)
assert(utf8.match("f(a(b)c)d", "%b()") == "(a(b)c)")
assert(utf8.match("THE (quick)", "%f[%a]%a+") == "THE")
assert(utf8.match("x=x", "(.)=%1") == "x" and utf8.match("abc", "a-b") == "ab")
assert(utf8.match("aaa", "a?a?a?a?$") == "aaa" and utf8.match("]", "[]]") == "]")
local words = {}
for word in utf8.gmatch(s .. " x", "%a+") do
    words[#words + 1] = word
end
assert(#words == 2 and words[1] == s)
for key, value in utf8.gmatch("a=1, b=2", "(%w)=(%w)") do
    words[key] = value
end
assert(words.a == "1" and words.b == "2")
same({ a .. "-b-" .. o .. "-d-" .. u .. "-", 5 }, utf8.gsub(s, ".", "%0-"))
same({ "-" .. a .. "-b-", 3 }, utf8.gsub(a .. "b", "", "-"))
same({ "Xbc", 1 }, utf8.gsub("abc", "^%w", { a = "X" }))
same({ "[ab]c", 1 }, utf8.gsub("abc", "%w(%w)", function(x) return "[a" .. x .. "]" end))
same({ "xbca", 1 }, utf8.gsub("abca", "a", "x", 1))
same({ "x^%", 1 }, utf8.gsub("x^!", "!", "%%"))

-- Errors.
fails("malformed pattern (ends with '%')", utf8.find, "a", "%")
fails("malformed pattern (missing ']')", utf8.match, "a", "[a")
fails("unfinished capture", utf8.match, "a", "(a")
fails("invalid pattern capture", utf8.match, "a", "a)")
fails("invalid capture index", utf8.match, "a", "%1")
fails("missing '[' after '%f' in pattern", utf8.match, "a", "%fa")
fails("invalid replacement value (a table)", utf8.gsub, "a", "a", function() return {} end)
fails("bad argument #1 to 'sub' (string expected, got no value)", utf8.sub)
fails("bad argument #3 to 'gsub' (string/function/table expected, got no value)", utf8.gsub, "a",
    "a")

-- Callbacks may yield.
local yielding = coroutine.wrap(function()
    return (utf8.gsub("ab", ".", function(c) return coroutine.yield(c) end))
end)
assert(yielding() == "a" and yielding "1" == "b" and yielding "2" == "12")
print "ok"
