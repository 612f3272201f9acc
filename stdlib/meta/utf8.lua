---@meta

---Text in UTF-8, as in Lua 5.4. Positions are those of bytes.
---
---```lua
---local text = utf8.char(72, 228, 8364)
---assert(utf8.len(text) == 3 and utf8.codepoint(text, 2) == 228 and utf8.offset(text, 3) == 4)
---local codes = {}
---for position, code in utf8.codes(text) do codes[#codes + 1] = position .. "=" .. code end
---assert(table.concat(codes, " ") == "1=72 2=228 4=8364")
---assert(utf8.len("\255") == nil)
---```
---@class utf8
---@field charpattern string the pattern of one character
utf8 = {}

---The characters with these code points.
---@param ... number
---@return string
function utf8.char(...) end

---The code points of the characters that start between two positions.
---@param s string
---@param first? number
---@param last? number
---@param lax? boolean
---@return number ...
function utf8.codepoint(s, first, last, lax) end

---Iterates over positions and code points. Text that is not valid is an error.
---@param s string
---@param lax? boolean
---@return fun(): number?, number?
function utf8.codes(s, lax) end

---The number of characters; nil and the position of the first byte that is not valid.
---@param s string
---@param first? number
---@param last? number
---@param lax? boolean
---@return number?
function utf8.len(s, first, last, lax) end

---The position where the n-th character from a position starts.
---@param s string
---@param n number
---@param position? number
---@return number?
function utf8.offset(s, n, position) end
