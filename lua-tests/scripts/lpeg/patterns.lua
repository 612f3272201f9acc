-- lpeg: patterns without captures; conversions, operators, predicates, sets, UTF-8.
local lpeg = require "lpeg"
local P, S, R, V, B = lpeg.P, lpeg.S, lpeg.R, lpeg.V, lpeg.B

local function ends(pattern, subject, expected, init)
  local got = lpeg.match(pattern, subject, init)
  assert(got == expected, subject .. ": " .. tostring(got))
end
local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and message:find(text, 1, true), tostring(message))
end

-- The module, and what programs do with the metatable of patterns.
assert(lpeg.version == "LPeg 1.1.0")
assert(lpeg.type(P "x") == "pattern" and lpeg.type("x") == nil and lpeg.type(io.stdout) == nil)
local metatable = getmetatable(P(1))
assert(metatable.__index == lpeg and metatable == getmetatable(P "x"))
lpeg.anywhere = function(p) return P { p + 1 * V(1) } end
ends(P("b"):anywhere(), "aab", 4)
lpeg.anywhere = nil
assert(metatable.__mul("a", "b"):match("ab") == 3)
assert(type(P(1)) == "userdata")
local p = P "x"
assert(P(p) == p)

-- Conversions
ends("ab", "abc", 3)
ends("", "abc", 1)
ends(2, "abc", 3)
ends(4, "abc", nil)
ends(2.9, "abc", 3)
ends(-1, "", 1)
ends(-3, "ab", 1)
ends(-3, "abc", nil)
ends(true, "", 1)
ends(false, "", nil)
ends({ "a" * V(1) + "b" }, "aab", 4)
ends(function(_, i) return i + 1 end, "ab", 2)
fails("(lpeg-pattern expected, got nil)", P, nil)
fails("(value expected)", P)
fails("(lpeg-pattern expected, got nil)", lpeg.match, nil, "x")
fails("(string expected, got no value)", lpeg.match, p)
fails("lpeg-pattern expected, got nil", function() return p + nil end)
-- A metamethod has the position of the operator.
fails("patterns.lua:47: ", function()
  return P(0) ^ 0
end)

-- Positions
ends("b", "abc", 3, 2)
ends("c", "abc", 4, -1)
ends("a", "abc", 2, -10)
ends("", "abc", 4, 10)
ends("", "abc", 4, 0)
ends(1, "abc", nil, 4)

-- Operators
ends(P "a" * "b" * 1, "abc", 4)
ends(P "ab" + "ac" + "a", "ac", 3)
ends(P "ab" + "ac" + "a", "ad", 2)
ends((P "a" - "ab"), "ab", nil)
ends((P "a" - "ab"), "ac", 2)
ends(P "a" ^ 0, "aaa", 4)
ends(P "a" ^ 2, "a", nil)
ends(P "ab" ^ 2, "ababa", 5)
ends(P "a" ^ -2, "aaa", 3)
ends(P "ab" ^ -3, "ababx", 5)
ends(-P "a" * 1, "b", 2)
ends(-P "a", "a", nil)
ends(#P "ab" * 1, "ab", 2)
ends(#P "ab", "aa", nil)
-- No way back into a choice or a repetition that has succeeded
ends((P "a" + "ab") * "c", "abc", nil)
ends(P "a" ^ 0 * "a", "aaa", nil)
ends(("aa" * P "bc" ^ -1 + "aab") * "e", "aabe", nil)
ends((P "aa" ^ 0 + "a") * "x", "aax", 4)
fails("loop body may accept empty string", function() return P "" ^ 0 end)
fails("loop body may accept empty string", function() return (P "a" ^ 0) ^ 1 end)
fails("(number expected, got string)", function() return p ^ "x" end)

-- Many alternatives: a table decides, also where they start alike or may be empty.
local words = P "if" + "in" + "for" + "function" + "end" + "else" + "elseif" + "" * -P(1) + R "09"
for _, case in ipairs { { "if", 3 }, { "in", 3 }, { "for", 4 }, { "fun", nil }, { "function", 9 },
  { "else", 5 }, { "elseif", 5 }, { "end", 4 }, { "", 1 }, { "7", 2 }, { "x", nil },
  { "i", nil } } do
  ends(words, case[1], case[2])
end
local list = P(false)
for i = 1, 2000 do list = list + ("word" .. i .. ";") end
ends(list, "word1999;", 10)
ends(list, "word2001;", nil)
local sequence = P(true)
for i = 1, 2000 do sequence = sequence * (i % 2 == 0 and "a" or S "bc") end
ends(sequence, ("ba"):rep(1000), 2001)

-- Sets
ends(S "abc" ^ 1, "cabd", 4)
ends(R("az", "09") ^ 1, "a5-", 3)
ends(S "", "a", nil)
ends(R(), "a", nil)
ends((1 - S "ab") ^ 0, "xyza", 4)
ends((R "\0\255" - "\0") ^ 0, "a\255\0", 3)
fails("(range must have two characters)", R, "abc")
fails("(string expected, got table)", R, "az", {})

-- Behind
ends(1 * B "a" * "b", "ab", 3)
ends(1 * B "b" * "b", "ab", nil)
ends(B(1), "ab", nil)
ends(-B(1) * "a", "ab", 2)
fails("pattern may not have fixed length", B, P "a" ^ 0)
fails("pattern have captures", B, lpeg.C(1))
fails("pattern too long to look behind", B, 256)

-- UTF-8
local letter = lpeg.utfR(0x80, 0x10FFFF)
ends(letter ^ 1, "\195\164\226\130\172\240\159\152\128x", 10)
ends(letter, "a", nil)
ends(lpeg.utfR(0, 0x7F), "a", 2)
ends(lpeg.utfR(0x20AC, 0x20AC), "\226\130\172", 4)
ends(lpeg.utfR(0x20AC, 0x20AC), "\226\130\173", nil)
fails("empty range", lpeg.utfR, 2, 1)
fails("invalid code point", lpeg.utfR, 1, 0x110000)
local from, to = 0x3A5, 0x1F02B
local some = lpeg.utfR(from, to) * -1
for _, point in ipairs { 0x3A4, 0x3A5, 0x3FF, 0x400, 0x7FF, 0x800, 0xFFF, 0x1000, 0xFFFF, 0x10000,
  0x1EFFF, 0x1F02B, 0x1F02C, 0x20000 } do
  local bytes
  if point < 0x800 then
    bytes = string.char(0xC0 + math.floor(point / 64), 0x80 + point % 64)
  elseif point < 0x10000 then
    bytes = string.char(0xE0 + math.floor(point / 4096), 0x80 + math.floor(point / 64) % 64,
      0x80 + point % 64)
  else
    bytes = string.char(0xF0 + math.floor(point / 262144), 0x80 + math.floor(point / 4096) % 64,
      0x80 + math.floor(point / 64) % 64, 0x80 + point % 64)
  end
  assert((some:match(bytes) ~= nil) == (point >= from and point <= to), point)
end

-- Classes
local class = lpeg.locale()
for name, letters in pairs {
  alnum = "[%w]", alpha = "%a", cntrl = "%c", digit = "%d", lower = "%l", punct = "%p",
  space = "%s", upper = "%u", xdigit = "%x", graph = "[%w%p]", print = "[%w%p ]",
} do
  for byte = 0, 255 do
    local character = string.char(byte)
    local is_in = character:find("^" .. letters) ~= nil and character ~= "\0" or false
    if byte > 0 then assert((class[name]:match(character) == 2) == is_in, name .. byte) end
  end
end
local own = {}
assert(lpeg.locale(own) == own and own.space:match(" ") == 2)

for _, name in ipairs { "ptree", "pcode" } do
  fails("function only implemented in debug mode", lpeg[name], p)
end
