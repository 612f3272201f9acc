---@meta

---Operations on bits, as in Lua 5.2: on unsigned numbers of 32 bits.
---
---```lua
---assert(bit32.bnot(0) == 0xffffffff and bit32.band() == 0xffffffff and bit32.btest(6, 2))
---assert(bit32.extract(0xabcd, 4, 8) == 0xbc and bit32.replace(0, 0xf, 4, 4) == 0xf0)
---assert(bit32.lrotate(0x80000001, 1) == 3 and bit32.arshift(0x80000000, 4) == 0xf8000000)
---```
---@class bit32
bit32 = {}

---Bitwise and of all arguments.
---@param ... number
---@return number
function bit32.band(...) end

---Bitwise or of all arguments.
---@param ... number
---@return number
function bit32.bor(...) end

---Bitwise exclusive or of all arguments.
---@param ... number
---@return number
function bit32.bxor(...) end

---Bitwise not.
---@param x number
---@return number
function bit32.bnot(x) end

---Shifted to the left.
---@param x number
---@param n number
---@return number
function bit32.lshift(x, n) end

---Shifted to the right; the new bits are zeros.
---@param x number
---@param n number
---@return number
function bit32.rshift(x, n) end

---Shifted to the right; the new bits are copies of the highest bit.
---@param x number
---@param n number
---@return number
function bit32.arshift(x, n) end

---Rotated to the left.
---@param x number
---@param n number
---@return number
function bit32.lrotate(x, n) end

---Rotated to the right.
---@param x number
---@param n number
---@return number
function bit32.rrotate(x, n) end

---Extracts `width` bits (default 1), from bit `field` on.
---@param x number
---@param field number
---@param width? number
---@return number
function bit32.extract(x, field, width) end

---x with these bits replaced.
---@param x number
---@param value number
---@param field number
---@param width? number
---@return number
function bit32.replace(x, value, field, width) end

---Whether the bitwise and of the arguments is not zero.
---@param ... number
---@return boolean
function bit32.btest(...) end
