-- string.pack, string.packsize and string.unpack; results and messages are those of compat53.string
-- 0.7 under lua5.1, which the table of functions is taken from if the program runs there.
local s = string.pack and string or require "compat53.string"
local pack, packsize, unpack = s.pack, s.packsize, s.unpack

local function fails(text, f, ...)
    local ok, message = pcall(f, ...)
    assert(not ok and message:find(text, 1, true), message)
end

-- Integers of all sizes and both orders.
for size = 1, 16 do
    for _, order in ipairs { "<", ">", "=" } do
        for _, value in ipairs { 0, 1, 100, 127, -1, -128 } do
            local format = order .. "i" .. size
            local bytes = pack(format, value)
            assert(#bytes == size and packsize(format) == size)
            local back, after = unpack(format, bytes)
            assert(back == value and after == size + 1, format .. value)
        end
        local format = order .. "I" .. size
        assert(unpack(format, pack(format, 200)) == 200)
    end
end
assert(pack("<i3", -2) == "\254\255\255" and pack(">i3", -2) == "\255\255\254")
assert(pack(">I2", 258) == "\1\2" and pack("<I2", 258) == "\2\1")
assert(unpack("<i8", pack("<i8", 2 ^ 53)) == 2 ^ 53)
assert(unpack("<J", ("\255"):rep(8)) == -1)
assert(pack("i1", 1.9) == "\1" and pack("i1", "7") == "\7")
assert(packsize("b B h H l L j J T f d n") == 1 + 1 + 2 + 2 + 8 * 5 + 4 + 8 + 8)

-- Numbers.
for _, x in ipairs { 0, 1.5, -2 ^ 40, 1e300, 1 / 0, 0.1 } do
    for _, order in ipairs { "<", ">" } do
        assert(unpack(order .. "d", pack(order .. "d", x)) == x)
        assert(unpack(order .. "n", pack(order .. "n", x)) == x)
    end
end
assert(pack(">d", 1) == "\63\240\0\0\0\0\0\0" and unpack("<f", pack("<f", 0.5)) == 0.5)
assert(unpack("f", pack("f", 0.1)) ~= 0.1)

-- Strings.
assert(pack("s1", "abc") == "\3abc" and pack(">s2", "") == "\0\0" and #pack("s", "ab") == 10)
assert(pack("z", "abc") == "abc\0" and pack("c5", "abc") == "abc\0\0" and pack("c0", "") == "")
local a, b, c, after = unpack("zs1c2", "ab\0\3cdefg")
assert(a == "ab" and b == "cde" and c == "fg" and after == 10)

-- Alignment and padding.
assert(pack("!4 i1 !4 i4", 1, 2) == "\1\0\0\0\2\0\0\0" or pack("<!4 i1 i4", 1, 2))
assert(pack("<!4 i1 i4", 1, 2) == "\1\0\0\0\2\0\0\0" and pack("x<i2x", 1) == "\0\1\0\0")
assert(pack("<!4 i1 Xi4 i1", 1, 2) == "\1\0\0\0\2" and packsize("!8 i1 i8") == 16)
assert(packsize("<!8 bXh h") == 4 and packsize("!4 i1 d") == 12)
assert(select("#", unpack("<!4 i1 i4", "\1\0\0\0\2\0\0\0")) == 3)

-- Positions.
assert(unpack("c2", "abcd", 2) == "bc" and unpack("c2", "abcd", -2) == "cd")
assert(select("#", unpack("", "abc", 4)) == 1 and unpack("", "abc", 4) == 4)
fails("initial position out of string", unpack, "", "abc", 5)
fails("initial position out of string", unpack, "c1", "abc", 0)
fails("initial position out of string", unpack, "c1", "abc", -4)

-- Errors.
fails("bad argument #2 to '?' (integer overflow)", pack, "i1", 128)
fails("bad argument #2 to '?' (unsigned overflow)", pack, "I1", -1)
fails("bad argument #2 to '?' (unsigned overflow)", pack, ">I3", 2 ^ 40)
fails("integral size (17) out of limits [1,16]", pack, "i17", 1)
fails("integral size (0) out of limits [1,16]", packsize, "I0")
fails("missing size for format option 'c'", pack, "c", "x")
fails("invalid format option 'k'", packsize, "k")
fails("bad argument #1 to '?' (format asks for alignment not power of 2)", packsize, "!16 i3")
fails("bad argument #1 to '?' (invalid next option for option 'X')", packsize, "X")
fails("bad argument #1 to '?' (invalid next option for option 'X')", packsize, "Xz")
fails("bad argument #1 to '?' (variable-length format)", packsize, "s")
fails("bad argument #1 to '?' (variable-length format)", packsize, "z")
fails("bad argument #1 to '?' (format result too large)", packsize, "c2147483639c9")
fails("bad argument #2 to '?' (string contains zeros)", pack, "z", "a\0b")
fails("bad argument #2 to '?' (string longer than given size)", pack, "c2", "abc")
fails("bad argument #2 to '?' (string length does not fit in given size)", pack, "s1",
    ("x"):rep(256))
fails("bad argument #2 to '?' (data string too short)", unpack, "i4", "abc")
fails("bad argument #2 to '?' (data string too short)", unpack, "s4", "\9\0\0\0a")
fails("16-byte integer does not fit into Lua Integer", unpack, "<i16", ("\1"):rep(16))
fails("bad argument #2 to '?' (number expected, got string)", pack, "i4", "x")
print "ok"
