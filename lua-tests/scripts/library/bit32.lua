-- bit32, as in Lua 5.2.
local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and tostring(message):find(text, 1, true), tostring(message))
end

assert(bit32.band() == 0xffffffff and bit32.bor() == 0 and bit32.bxor() == 0
  and bit32.btest() == true)
assert(bit32.band(-1, 0xff0) == 0xff0 and bit32.bor(-2 ^ 31, 1) == 0x80000001
  and bit32.bxor(5, 3) == 6 and bit32.bnot(0) == 0xffffffff)
assert(bit32.btest(6, 3) and not bit32.btest(4, 3) and bit32.band(2 ^ 32 + 1) == 1
  and bit32.bor("0x10", 1) == 17)
assert(bit32.lshift(1, 31) == 2 ^ 31 and bit32.lshift(1, 32) == 0 and bit32.lshift(4, -1) == 2
  and bit32.lshift(1, -2 ^ 40) == 0)
assert(bit32.rshift(-1, 31) == 1 and bit32.rshift(1, 32) == 0 and bit32.rshift(1, -3) == 8)
assert(bit32.arshift(-8, 1) == 2 ^ 32 - 4 and bit32.arshift(-1, 100) == 2 ^ 32 - 1
  and bit32.arshift(8, 100) == 0 and bit32.arshift(-8, -1) == 2 ^ 32 - 16)
assert(bit32.lrotate(0x12345678, 4) == 0x23456781 and bit32.lrotate(1, -1) == 2 ^ 31
  and bit32.rrotate(0x12345678, 4) == 0x81234567 and bit32.rrotate(1, 33) == 2 ^ 31)
assert(bit32.extract(0x12345678, 4) == 1 and bit32.extract(0x12345678, 8, 8) == 0x56
  and bit32.extract(-1, 0, 32) == 0xffffffff and bit32.extract(-1, 31) == 1)
assert(bit32.replace(0x12345678, 0xff, 8, 8) == 0x1234ff78 and bit32.replace(0, 1, 31) == 2 ^ 31
  and bit32.replace(0, 5, 0, 32) == 5 and bit32.replace(-1, 0, 0) == 0xfffffffe)
fails("bad argument #2 to 'extract' (field cannot be negative)", function()
  bit32.extract(0, -1)
end)
fails("bad argument #3 to 'extract' (width must be positive)", function()
  bit32.extract(0, 0, 0)
end)
fails("trying to access non-existent bits", bit32.extract, 0, 31, 2)
fails("bad argument #3 to 'replace' (field cannot be negative)", function()
  bit32.replace(0, 0, -1)
end)
fails("bad argument #4 to 'replace' (width must be positive)", function()
  bit32.replace(0, 0, 0, -1)
end)
fails("trying to access non-existent bits", bit32.replace, 0, 0, 2 ^ 60, 2 ^ 60)
for _, name in ipairs {
  "bnot", "lshift", "rshift", "arshift", "lrotate", "rrotate", "extract", "replace",
} do
  fails("bad argument #1 to '" .. name .. "' (number expected, got no value)",
    loadstring("bit32." .. name .. "()"))
end
fails("bad argument #2 to 'band' (number expected, got table)", function() bit32.band(1, {}) end)
