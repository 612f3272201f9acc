-- zlib, as in lua-zlib 1.2 under lua5.1.
local zlib = require "zlib"

local function fails(start, f, ...)
    local ok, message = pcall(f, ...)
    assert(not ok and tostring(message):sub(1, #start) == start, message)
end

local text = {}
for i = 1, 3000 do
    text[i] = "line " .. i .. " of " .. (i * 7919) % 1000
end
text = table.concat(text, "\n")

-- All formats and levels, in one call and in small parts.
for _, window in ipairs { 15, -15, 31 } do
    for _, level in ipairs { 0, 1, 6, 9 } do
        local packed, ended, bytes_in, bytes_out = zlib.deflate(level, window)(text, "finish")
        assert(ended == true and bytes_in == #text and bytes_out == #packed)
        local unpacked, over, used, made = zlib.inflate(window)(packed)
        assert(unpacked == text and over == true and used == #packed and made == #text)
        local inflate, parts = zlib.inflate(window), {}
        for at = 1, #packed, 13 do
            local part, is_over = inflate(packed:sub(at, at + 12))
            parts[#parts + 1] = part
            assert(is_over == (at + 12 >= #packed))
        end
        assert(table.concat(parts) == text)
    end
end
assert(zlib.inflate()(zlib.deflate(6, 31)(text, "finish")) == text)
assert(zlib.inflate()(zlib.deflate()(text, "finish")) == text)

-- A stream in parts; flushed data can be decompressed.
local deflate, inflate = zlib.deflate(), zlib.inflate()
local part, ended = deflate("one ", "sync")
assert(not ended and inflate(part) == "one ")
part = deflate("two ", "full")
assert(inflate(part) == "two ")
local first, is_over, bytes_in = deflate("three", "none")
assert(not is_over and bytes_in == 13)
part, ended = deflate()
assert(ended == true)
local rest, over = inflate(first .. part)
assert(rest == "three" and over == true)
local nothing, closed = deflate()
assert(nothing == "" and closed == true)
fails("IllegalState: calling deflate function when stream was previously closed", deflate, "x")
fails("IllegalState: calling inflate function when stream was previously closed", inflate, "x")

-- Calls without input.
deflate = zlib.deflate()
assert(select("#", deflate("")) == 4 and deflate("") == "" and select(2, deflate("")) == false)
assert(zlib.inflate()(deflate(nil, "finish")) == "")
assert(zlib.inflate()() == "")

-- What follows the end is not used.
local packed = zlib.deflate()("abc", "finish")
local got, at_end, used = zlib.inflate()(packed .. "rest")
assert(got == "abc" and at_end and used == #packed)

-- Headers of gzip with all fields.
local raw = zlib.deflate(6, -15)("payload", "finish")
local function word(x)
    return string.char(x % 256, math.floor(x / 256) % 256, math.floor(x / 65536) % 256,
        math.floor(x / 16777216))
end
local gzip = "\31\139\8\28\0\0\0\0\0\3" .. "\3\0abc" .. "name\0" .. "comment\0" .. raw
    .. word(zlib.crc32()("payload")) .. word(7)
assert(zlib.inflate()(gzip) == "payload")
inflate = zlib.inflate()
local parts = {}
for i = 1, #gzip do
    parts[i] = inflate(gzip:sub(i, i))
end
assert(table.concat(parts) == "payload")
fails("InvalidInput: input string does not conform to zlib format or checksum failed",
    zlib.inflate(), gzip:sub(1, -9) .. "\0\0\0\0\7\0\0\0")

-- Errors.
fails("InvalidInput", zlib.inflate(), "bad input")
fails("InvalidInput", zlib.inflate(31), zlib.deflate()("abc", "finish"))
fails("InternalError: inconsistent internal zlib stream", zlib.deflate, 10)
fails("InternalError: inconsistent internal zlib stream", zlib.deflate, 6, 100)
fails("bad argument #2 to '?' (invalid option 'x')", zlib.deflate(), "a", "x")

-- Checksums.
assert(zlib.crc32()("123456789") == 0xCBF43926 and zlib.adler32()("Wikipedia") == 0x11E60398)
assert(zlib.crc32()() == 0 and zlib.adler32()() == 1)
for _, make in ipairs { zlib.crc32, zlib.adler32 } do
    local sum = make()(text)
    local a, b = make(), make()
    a(text:sub(1, 1000))
    b(text:sub(1001))
    assert(a(b) == sum)
    local again, length = a()
    assert(again == sum and length == #text)
    fails("bad argument #1 to '?' (expected function to return two numbers)", a, function() end)
end
local major, minor, patch = zlib.version()
assert(major == 1 and type(minor) == "number" and type(patch) == "number")
print "ok"
