-- bit, as in LuaJIT.
local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and tostring(message):find(text, 1, true), tostring(message))
end

assert(bit.tobit(0xffffffff) == -1 and bit.tobit(2 ^ 40 + 5) == 5 and bit.tobit(2 ^ 31) == -2 ^ 31
  and bit.tobit(-2 ^ 31 - 1) == 2 ^ 31 - 1)
assert(bit.tobit(1.5) == 2 and bit.tobit(2.5) == 2 and bit.tobit(-1.5) == -2
  and bit.tobit("0x10") == 16 and bit.tobit(0 / 0) == 0 and bit.tobit(1 / 0) == 0)
assert(bit.bnot(0) == -1 and bit.band(7, 14, 3) == 2 and bit.band(-1) == -1
  and bit.bor(1, 2, 4) == 7 and bit.bxor(5, 3, 1) == 7)
assert(bit.lshift(1, 31) == -2 ^ 31 and bit.lshift(1, 32) == 1 and bit.lshift(1, -1) == -2 ^ 31
  and bit.rshift(-1, 1) == 2 ^ 31 - 1 and bit.rshift(1, 33) == 0)
assert(bit.arshift(-8, 1) == -4 and bit.arshift(-1, 31) == -1 and bit.arshift(8, 34) == 2)
assert(bit.rol(0x12345678, 12) == 0x45678123 and bit.ror(0x12345678, 12) == 0x67812345
  and bit.rol(1, 32) == 1 and bit.ror(1, 1) == -2 ^ 31)
assert(bit.bswap(0x12345678) == 0x78563412 and bit.bswap(0xff) == -2 ^ 24)
assert(bit.tohex(-1) == "ffffffff" and bit.tohex(255, 4) == "00ff" and bit.tohex(255, -4) == "00FF"
  and bit.tohex(0x12345, 2) == "45" and bit.tohex(1, 0) == "" and bit.tohex(1, 10) == "0000000001")
for name in pairs(bit) do
  fails("bad argument #1 to '" .. name .. "' (number expected, got no value)",
    loadstring("bit." .. name .. "()"))
  fails("bad argument #1 to '" .. name .. "' (number expected, got string)",
    loadstring("bit." .. name .. "('x', 1)"))
end
for _, name in ipairs { "lshift", "rshift", "arshift", "rol", "ror" } do
  fails("bad argument #2 to '" .. name .. "' (number expected, got no value)",
    loadstring("bit." .. name .. "(1)"))
end
fails("bad argument #3 to 'band' (number expected, got nil)", function() bit.band(1, 2, nil) end)
