-- text: functions and string methods; UTF-8, and invalid bytes.

local function same(list, expected)
    assert(#list == #expected, #list)
    for i, part in ipairs(expected) do
        assert(list[i] == part, ("%d: %q"):format(i, list[i]))
    end
end

assert(text.trim("  a b \t\r\n") == "a b" and text.trim("") == "" and text.trim(" \n ") == ""
    and text.trim("\u{a0}é\u{3000}") == "é")
assert(text.trim_left("  a ") == "a " and text.trim_right(" a  ") == " a"
    and text.trim("\255 a \255") == "\255 a \255")
assert(text.trim(" é") == "é" and text.trim("x\u{2003}") == "x")
assert(text.lower("ÄÖ ABC\255") == "äö abc\255" and text.upper("straße é\255x") == "STRASSE É\255X")
assert(text.title("hello, wörld! it's élan") == "Hello, Wörld! It's Élan" and text.title("") == "")
same(text.split("a,b,,c", ","), { "a", "b", "", "c" })
same(text.split("", ","), { "" })
same(text.split("abc", "x"), { "abc" })
same(text.split("--a--", "--"), { "", "a", "" })
same(text.split("  two  words\n"), { "two", "words" })
same(text.split(" "), {})
same(text.split("aé\255", ""), { "a", "é", "\255" })
same(text.split("", ""), {})
same(text.split("12345", 3), { "12", "45" })
local many = ("ab,"):rep(5000):split(",")
assert(#many == 5001 and many[5000] == "ab" and many[5001] == ""
    and #("é "):rep(5000):split() == 5000 and #("é"):rep(5000):split("") == 5000)
assert(text.join({ "a", 1, 2.5 }, ", ") == "a, 1, 2.5" and text.join({}) == ""
    and text.join({ "a", "b" }) == "ab")
assert(text.replace("a.b.c", ".", "%1") == "a%1b%1c" and text.replace("aaa", "a", "b", 2) == "bba")
assert(text.replace("abc", "x", "y") == "abc" and text.replace("abc", "b", "") == "ac"
    and text.replace("a", "a", "b", 0) == "a")
assert(text.contains("abc", "bc") and not text.contains("abc", "%a") and text.contains("abc", ""))
assert(text.starts_with("abc", "ab") and not text.starts_with("abc", "b")
    and text.ends_with("abc", "bc") and not text.ends_with("c", "abc"))
assert(text.pad_left("123", 5, "0") == "00123" and text.pad_left("é", 3) == "  é"
    and text.pad_left("abc", 2) == "abc")
assert(text.pad_right("a", 4, "é-") == "aé-é" and text.pad_left("", -1) == "")
assert(text.repeat("abc", 3) == "abcabcabc" and text.repeat_str("a", 0) == ""
    and text.repeat("a", -1) == "" and text["repeat"] == text.repeat_str)

-- The same as methods; those that strings had before stay.
assert(("  x "):trim() == "x" and ("a-b"):split("-")[2] == "b" and ("ab"):contains("b")
    and ("a"):repeat(2) == "aa")
assert(("É"):lower() == "É" and text.lower("É") == "é" and string.rep ~= text.repeat)
-- They are behind `string`, not in it, so that a program's own are used.
assert(string.trim == nil and getmetatable("").__index == string and ("x").trim == text.trim)
string.trim = string.trim or function(s) return "mine " .. s end
for _ = 1, 100 do
    assert((" x"):trim() == "mine  x" and ("x"):title() == "X" and ("x").none == nil)
end
string.trim = nil
assert((" x"):trim() == "x")
assert(pcall(function() return ("x"):none() end) == false)
do
    local text = "  Hello, World!  "
    assert(text.join(text.split(text.trim(text), " "), ", ") == "Hello,, World!")
    assert(text.pad_left("123", 5, "0") == "00123" and text.repeat("abc", 3) == "abcabcabc")
end

local function raises(code, message)
    local ok, got = pcall(assert(loadstring(code, "=code")))
    assert(not ok and got == "code:1: " .. message, tostring(got))
end
raises("text.trim()", "bad argument #1 to 'trim' (string expected, got no value)")
raises("text.split({})", "bad argument #1 to 'split' (string expected, got table)")
raises("text.join('a')", "bad argument #1 to 'join' (table expected, got string)")
raises("text.join({ 'a', {} })",
    "bad argument #1 to 'join' (item 2: string or number expected, got table)")
raises("text.replace('a', '', 'b')", "bad argument #2 to 'replace' (search string is empty)")
raises("text.pad_left('a', 5, '')", "bad argument #3 to 'pad_left' (pad string is empty)")
raises("text.repeat('a')", "bad argument #2 to 'repeat' (integer expected, got no value)")
raises("text.repeat('a', 1e12)", "string length overflow")
local ok, message = pcall(text.pad_left, "a", 1e12)
assert(not ok and message == "not enough memory")
