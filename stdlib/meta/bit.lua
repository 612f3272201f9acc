---@meta

---Operations on bits, as in LuaJIT: on signed numbers of 32 bits.
---
---```lua
---assert(bit.band(0xff, 0x0f) == 15 and bit.bor(1, 2, 4) == 7 and bit.bxor(5, 1) == 4
---  and bit.bnot(0) == -1)
---assert(bit.lshift(1, 31) == -2147483648 and bit.rshift(-1, 28) == 15
---  and bit.arshift(-8, 1) == -4)
---assert(bit.tohex(255) == "000000ff" and bit.tohex(255, -4) == "00FF"
---  and bit.bswap(1) == 16777216)
---```
---@class bit
bit = {}

---Converts a number to a signed one of 32 bits.
---@param x number
---@return number
function bit.tobit(x) end

---Bitwise not.
---@param x number
---@return number
function bit.bnot(x) end

---Bitwise and of all arguments.
---@param x number
---@param ... number
---@return number
function bit.band(x, ...) end

---Bitwise or of all arguments.
---@param x number
---@param ... number
---@return number
function bit.bor(x, ...) end

---Bitwise exclusive or of all arguments.
---@param x number
---@param ... number
---@return number
function bit.bxor(x, ...) end

---Shifted to the left.
---@param x number
---@param n number
---@return number
function bit.lshift(x, n) end

---Shifted to the right; the new bits are zeros.
---@param x number
---@param n number
---@return number
function bit.rshift(x, n) end

---Shifted to the right; the new bits are copies of the sign.
---@param x number
---@param n number
---@return number
function bit.arshift(x, n) end

---Rotated to the left.
---@param x number
---@param n number
---@return number
function bit.rol(x, n) end

---Rotated to the right.
---@param x number
---@param n number
---@return number
function bit.ror(x, n) end

---The bytes in reverse order.
---@param x number
---@return number
function bit.bswap(x) end

---Converts to 8 hexadecimal digits, or n; in upper case if n is negative.
---@param x number
---@param n? number
---@return string
function bit.tohex(x, n) end
