---@meta

---Functions on strings (Lua 5.1, section 5.4). They are methods, too: `("x"):rep(3)`. Strings are
---bytes; positions count from 1, negative ones from the end. Patterns are those of the manual, with
---`%f[set]` for the frontier of a set.
---
---```lua
---assert(("hello"):sub(2, -2) == "ell" and ("x"):rep(3, ",") == "x,x,x")
---assert(("key = value"):match("(%w+)%s*=%s*(%w+)") == "key")
---```
---@class string
string = {}

---The codes of bytes.
---
---```lua
---local a, b = ("AB"):byte(1, 2)
---assert(a == 65 and b == 66)
---```
---@param s string
---@param first? number 1 if left out
---@param last? number `first` if left out
---@return number ...
function string.byte(s, first, last) end

---The string of these bytes.
---@param ... number
---@return string
function string.char(...) end

---Converts a Lua function to a string from which `load` can recreate it.
---@param f function
---@return string
function string.dump(f) end

---Finds the first match of a pattern.
---
---```lua
---local first, last, word = ("say hello"):find("(h%a+)")
---assert(first == 5 and last == 9 and word == "hello")
---assert(("a.b"):find(".", 1, true) == 2)
---```
---@param s string
---@param pattern string
---@param start? number
---@param plain? boolean whether the pattern is a plain string
---@return number? first nil if it is not found
---@return number? last
---@return string|number ... captures
function string.find(s, pattern, start, plain) end

---Formats values: `%d` `%i` `%u` `%c` `%x` `%X` `%o` `%e` `%E` `%f` `%g` `%G` `%s` `%q` `%%`, with
---flags, width and precision as in C.
---
---```lua
---assert(string.format("%5.2f|%-4s|%03d|%x|%q", 3.14159, "ab", 7, 255, 'a"b')
---  == ' 3.14|ab  |007|ff|"a\\"b"')
---```
---@param format string
---@param ... any
---@return string
function string.format(format, ...) end

---Iterates over all matches of a pattern: the captures, or the whole match.
---
---```lua
---local words = {}
---for word in ("one two"):gmatch("%a+") do words[#words + 1] = word end
---assert(#words == 2)
---```
---@param s string
---@param pattern string
---@return fun(): string|number ...
function string.gmatch(s, pattern) end

---The name of `string.gmatch` in Lua 5.0.
---@param s string
---@param pattern string
---@return fun(): string|number ...
function string.gfind(s, pattern) end

---Replaces matches of a pattern: by a string with `%1` to `%9` for captures and `%0` for the match,
---by the field of a table, or by the result of a function; nil and false leave a match unchanged.
---
---```lua
---assert(("hello"):gsub("l", "L") == "heLLo" and select(2, ("hello"):gsub("l", "L", 1)) == 1)
---assert(("$name"):gsub("%$(%w+)", { name = "Lua" }) == "Lua")
---assert(("abc"):gsub("%w", function(c) return c:upper() .. "." end) == "A.B.C.")
---```
---@param s string
---@param pattern string
---@param replacement string|table|fun(...): any
---@param count? number no more than this
---@return string
---@return number count how many were replaced
function string.gsub(s, pattern, replacement, count) end

---The number of bytes.
---@param s string
---@return number
function string.len(s) end

---Converts ASCII letters to lower case.
---@param s string
---@return string
function string.lower(s) end

---Converts ASCII letters to upper case.
---@param s string
---@return string
function string.upper(s) end

---The captures of the first match of a pattern; the whole match if it has no captures.
---@param s string
---@param pattern string
---@param start? number
---@return string|number|nil ...
function string.match(s, pattern, start) end

---Packs values into bytes, as in Lua 5.3: integers (`b`, `h`, `i4`, `l`, `j`; unsigned in upper
---case, `T`), numbers (`f`, `d`, `n`), strings (`s4` with its length, `z` with a zero after it,
---`c10` of a fixed size) and padding (`x`, `Xop`). `<`, `>` and `=` set the order of the bytes,
---`!4` the largest alignment. Numbers are doubles, so that integers beyond 2^53 are not exact.
---
---```lua
---local packet = string.pack(">I2 s1", 258, "abc")
---assert(packet == "\1\2\3abc")
---```
---@param format string
---@param ... string|number
---@return string bytes
function string.pack(format, ...) end

---Returns the number of bytes that `string.pack` makes for a format without `s` and `z`.
---
---```lua
---assert(string.packsize("!8 i1 i8") == 16)
---```
---@param format string
---@return number bytes
function string.packsize(format) end

---Repeats a string n times, with an optional separator.
---@param s string
---@param count number
---@param separator? string
---@return string
function string.rep(s, count, separator) end

---The bytes in reverse order.
---@param s string
---@return string
function string.reverse(s) end

---The part from one position to another.
---@param s string
---@param first number
---@param last? number
---@return string
function string.sub(s, first, last) end

---Returns the values that `string.pack` has packed into bytes, then the position after them.
---
---```lua
---local number, name, after = string.unpack(">I2 s1", "\1\2\3abc")
---assert(number == 258 and name == "abc" and after == 7)
---```
---@param format string
---@param data string
---@param position? number where to start; negative ones count from the end
---@return any ...
function string.unpack(format, data, position) end
