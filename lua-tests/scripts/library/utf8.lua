-- utf8, as in Lua 5.4.
local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and tostring(message):find(text, 1, true), tostring(message))
end

local text = "aé€\u{10FFFF}"
assert(text == "a\xC3\xA9\xE2\x82\xAC\xF4\x8F\xBF\xBF")

-- char and codepoint
assert(utf8.char() == "" and utf8.char(97, 233, 8364, 0x10FFFF) == text
  and utf8.char(0x7FFFFFFF) == "\xFD\xBF\xBF\xBF\xBF\xBF")
for _, code in ipairs { 0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF } do
  assert(utf8.codepoint(utf8.char(code)) == code)
end
for _, code in ipairs {
  0xD800, 0xDFFF, 0x110000, 0x1FFFFF, 0x200000, 0x3FFFFFF, 0x4000000, 0x7FFFFFFF,
} do
  local sequence = utf8.char(code)
  assert(utf8.codepoint(sequence, 1, 1, true) == code and utf8.len(sequence, 1, -1, true) == 1
    and utf8.len(sequence) == nil)
  fails("invalid UTF-8 code", utf8.codepoint, sequence)
end
local a, b, c, d = utf8.codepoint(text, 1, -1)
assert(a == 97 and b == 233 and c == 8364 and d == 0x10FFFF and utf8.codepoint(text, 4) == 8364
  and select("#", utf8.codepoint("", 1, 0)) == 0)
fails("bad argument #2 to 'char' (value out of range)", function() utf8.char(1, -1) end)
fails("bad argument #1 to 'char' (value out of range)", function() utf8.char(2 ^ 31) end)
fails("bad argument #1 to 'char' (number expected, got string)", function() utf8.char("x") end)
fails("bad argument #2 to 'codepoint' (out of bounds)", function() utf8.codepoint("abc", 0) end)
fails("bad argument #3 to 'codepoint' (out of bounds)", function() utf8.codepoint("abc", 4) end)
fails("bad argument #3 to 'codepoint' (out of bounds)", function() utf8.codepoint("abc", 1, 4) end)
fails("invalid UTF-8 code", utf8.codepoint, text, 3)
fails("too long", utf8.codepoint, ("x"):rep(100000), 1, -1)

-- len
assert(utf8.len("") == 0 and utf8.len(text) == 4 and utf8.len(text, 2) == 3
  and utf8.len(text, -4) == 1 and utf8.len(text, 2, 2) == 1
  and utf8.len("abc", 4) == 0 and utf8.len("abc", 3, 1) == 0)
for malformed, position in pairs {
  ["\xFF"] = 1, ["a\xE9"] = 2, ["ab\x80"] = 3, ["\xC0\x80"] = 1, ["\xE0\x80\x80"] = 1,
  ["\xF4\x90\x80\x80"] = 1, ["é\xE2\x82"] = 3, ["\xE2\x82x"] = 1,
} do
  local count, where = utf8.len(malformed)
  assert(count == nil and where == position)
end
assert(utf8.len(("é"):rep(1000000)) == 1000000)
fails("bad argument #2 to 'len' (initial position out of bounds)", function()
  utf8.len("abc", 5)
end)
fails("bad argument #3 to 'len' (final position out of bounds)", function()
  utf8.len("abc", 1, 4)
end)

-- offset
local positions = { 1, 2, 4, 7, 11 }
for n, position in ipairs(positions) do
  assert(utf8.offset(text, n) == position
    and utf8.offset(text, n - 5) == (n < 5 and position or utf8.offset(text, 0)))
end
assert(utf8.offset(text, 6) == nil and utf8.offset(text, -5) == nil and utf8.offset(text, 0, 3) == 2
  and utf8.offset(text, 0, 10) == 7 and utf8.offset(text, 2, 4) == 7
  and utf8.offset(text, -1, 4) == 2)
fails("initial position is a continuation byte", utf8.offset, text, 1, 3)
fails("bad argument #3 to 'offset' (position out of bounds)", function()
  utf8.offset("abc", 1, 5)
end)

-- codes and charpattern
local found = {}
for position, code in utf8.codes(text) do found[#found + 1] = position .. "=" .. code end
assert(table.concat(found, " ") == "1=97 2=233 4=8364 7=1114111")
for _ in utf8.codes("") do error("there is none") end
fails("invalid UTF-8 code", function() for _ in utf8.codes("a\xFFb") do end end)
fails("invalid UTF-8 code", function() for _ in utf8.codes("é\x80") do end end)
fails("invalid UTF-8 code", function() for _ in utf8.codes("\u{D800}") do end end)
for _, code in utf8.codes("\u{D800}", true) do assert(code == 0xD800) end
fails("bad argument #1 to 'codes' (invalid UTF-8 code)", function() utf8.codes("\x80") end)
local count = 0
for sequence in text:gmatch(utf8.charpattern) do
  count = count + 1
  assert(sequence == text:sub(positions[count], positions[count + 1] - 1))
end
assert(count == 4)
