---@meta

---Parsing expression grammars, with the interface of LPeg 1.1, for programs written for it and for
---new ones. It is not a global: load it with `require "lpeg"` or `import("lpeg")`.
---
---A pattern is a value. Operators combine patterns; a string, a number, a boolean, a table or a
---function in the place of an operand is converted as by `lpeg.P`:
---
---| operator | what it matches |
---|---|---|
---| `a * b` | `a`, then `b` |
---| `a + b` | `a`, or else `b` |
---| `a - b` | `a`, if `b` does not match |
---| `a ^ n` | at least `n` times `a`; for a negative `n`, at most `-n` times |
---| `-a` | the empty string, if `a` does not match |
---| `#a` | the empty string, if `a` matches |
---| `a / f` | `a`; its captures become what the function `f` returns for them |
---| `a / t` | `a`; its first capture becomes its value in the table `t` |
---| `a / s` | `a`; its captures become the string `s`, with `%1` to `%9` replaced by them and `%0` by the match |
---| `a / n` | `a`; only capture number `n` remains, or none if `n` is 0 |
---| `a % f` | `a`; the capture before it becomes `f(it, captures of a...)` |
---
---```lua
---local lpeg = require "lpeg"
---local space = lpeg.S(" \t") ^ 0
---local number = lpeg.C(lpeg.R("09") ^ 1) / tonumber * space
---local sum = number * ("+" * space * number % function(a, b) return a + b end) ^ 0
---assert(sum:match("1 + 20 + 300") == 321)
---```
---
---Functions that a match calls may wait, and a long match lets other goroutines run. The work of a
---match counts against the time limit, its captures against the memory limit.
---
---Differences to LPeg: `lpeg.ptree` and `lpeg.pcode` raise an error, as they do in LPeg without its
---debug mode; the only locale is "C". `lpeg.version` is a string, as in LPeg 1.1, where it was a
---function up to LPeg 1.0.2. Programs that still call it, such as luajson 1.3.4, run with neither
---this module nor LPeg 1.1, unless it is replaced before they are loaded:
---
---```lua
---local lpeg = require "lpeg"
---local version = lpeg.version
---lpeg.version = function() return version:match("[%d.]+$") end
---assert(lpeg.version() == "1.1.0")
---```
---@class lpeg
lpeg = {}

---The version of the interface. (A function up to LPeg 1.0.2.)
lpeg.version = "LPeg 1.1.0"

---Matches a pattern at a position of the subject. Returns its captures, or, if it has none, the
---position after the match; nil if it does not match. A pattern does not search: it matches at
---`init` or not at all.
---
---```lua
---local lpeg = require "lpeg"
---assert(lpeg.match(lpeg.P("ab") ^ 1, "ababc") == 5)
---assert(lpeg.C(lpeg.R("az") ^ 1):match("12abc", 3) == "abc")
---local anywhere = lpeg.P({ lpeg.C("needle") + 1 * lpeg.V(1) })
---assert(anywhere:match("a needle in a haystack") == "needle")
---```
---@param pattern any
---@param subject string
---@param init? number from 1; a negative one counts from the end
---@param ... any the values of `lpeg.Carg`
---@return any ...
function lpeg.match(pattern, subject, init, ...) end

---"pattern" for a pattern, nil for any other value.
---@param value any
---@return string?
function lpeg.type(value) end

---Sets how many calls of rules and choices a match may have open at once, 400 at first. Subjects
---that are nested deeply need more. At least 400 are always allowed.
---
---```lua
---local lpeg = require "lpeg"
---local nested = lpeg.P({ "(" * lpeg.V(1) ^ -1 * ")" })
---local text = ("("):rep(1000) .. (")"):rep(1000)
---assert(not pcall(lpeg.match, nested, text))
---lpeg.setmaxstack(5000)
---assert(nested:match(text) == 2001)
---```
---@param limit number
function lpeg.setmaxstack(limit) end

---Fills a table with patterns for classes of characters: `alnum`, `alpha`, `cntrl`, `digit`,
---`graph`, `lower`, `print`, `punct`, `space`, `upper`, `xdigit`. The locale is always "C".
---
---```lua
---local lpeg = require "lpeg"
---local class = lpeg.locale()
---assert((class.alpha ^ 1 * class.digit):match("abc1") == 5)
---```
---@param table? table
---@return table
function lpeg.locale(table) end

---Converts a value to a pattern:
---
---- a pattern is returned unchanged;
---- a string matches itself;
---- a number n matches any n bytes; a negative one matches where fewer than -n bytes are left;
---- `true` always matches the empty string, `false` never matches;
---- a table is a grammar: its values are rules, which call each other by `lpeg.V`. The rule with
---  index 1 is the first one, or the rule whose name has that index;
---- a function is called as by `lpeg.Cmt` at the current position.
---
---```lua
---local lpeg = require "lpeg"
---local balanced = lpeg.P({ "group", group = "(" * (lpeg.V("group") + 1 - ")") ^ 0 * ")" })
---assert(balanced:match("(a(b)c)d") == 8)
---```
---@param value any
---@return userdata
function lpeg.P(value) end

---A byte of the string.
---@param bytes string
---@return userdata
function lpeg.S(bytes) end

---A byte of one of the ranges, strings with the first and the last one: `lpeg.R("az", "09")`.
---@param ... string
---@return userdata
function lpeg.R(...) end

---A code point from `first` to `last`, encoded in UTF-8.
---
---```lua
---local lpeg = require "lpeg"
---assert(lpeg.utfR(0x370, 0x3FF):match("\u{3BB}") == 3)
---```
---@param first number
---@param last number
---@return userdata
function lpeg.utfR(first, last) end

---A rule of the grammar that will enclose the pattern.
---@param name any the key of the rule
---@return userdata
function lpeg.V(name) end

---The empty string, if the pattern matches before the current position. The pattern must have a
---fixed length, of at most 255 bytes, and no captures.
---
---```lua
---local lpeg = require "lpeg"
---local after_dollar = lpeg.B("$") * lpeg.C(lpeg.R("09") ^ 1)
---assert(lpeg.P({ after_dollar + 1 * lpeg.V(1) }):match("12 or $34") == "34")
---```
---@param pattern any
---@return userdata
function lpeg.B(pattern) end

---Captures the text that the pattern matches, and then the captures in it.
---@param pattern any
---@return userdata
function lpeg.C(pattern) end

---Captures the extra argument number `n` of `lpeg.match`.
---@param n number
---@return userdata
function lpeg.Carg(n) end

---Captures the values of the last complete group with that name (`lpeg.Cg`).
---@param name any
---@return userdata
function lpeg.Cb(name) end

---Captures the given values.
---@param ... any
---@return userdata
function lpeg.Cc(...) end

---Captures what a function makes of all captures: `f(...f(f(c1, c2), c3)..., cn)`. `a % f` does the
---same and is easier to use.
---@param pattern any
---@param f function
---@return userdata
function lpeg.Cf(pattern, f) end

---Captures all values as one, or, with a name, for `lpeg.Cb` and as a field in `lpeg.Ct`.
---
---```lua
---local lpeg = require "lpeg"
---local word = lpeg.C(lpeg.R("az") ^ 1)
---local pair = lpeg.Ct(lpeg.Cg(word, "key") * "=" * lpeg.Cg(word, "value"))
---local t = pair:match("a=b")
---assert(t.key == "a" and t.value == "b")
---```
---@param pattern any
---@param name? any
---@return userdata
function lpeg.Cg(pattern, name) end

---Calls a function during the match, with the subject, the position after the match of the pattern,
---and its captures. If it returns a number, that is the new position; if `true`, the position
---stays; if nil or `false`, the pattern does not match. Further results are the captures.
---
---```lua
---local lpeg = require "lpeg"
---local even = lpeg.Cmt(lpeg.C(lpeg.R("09") ^ 1), function(_, _, digits)
---  return tonumber(digits) % 2 == 0, digits
---end)
---assert(even:match("124") == "124" and even:match("123") == nil)
---```
---@param pattern any
---@param f function
---@return userdata
function lpeg.Cmt(pattern, f) end

---Captures the current position.
---@return userdata
function lpeg.Cp() end

---Captures the text that the pattern matches, with the captures in it replaced by their values.
---
---```lua
---local lpeg = require "lpeg"
---local upper = lpeg.Cs((lpeg.R("az") / string.upper + 1) ^ 0)
---assert(upper:match("abc-1") == "ABC-1")
---```
---@param pattern any
---@return userdata
function lpeg.Cs(pattern) end

---Captures a table of all captures; those of groups with names are its fields.
---@param pattern any
---@return userdata
function lpeg.Ct(pattern) end

---Raises an error: only LPeg's debug mode can print the program of a pattern.
---@param pattern userdata
function lpeg.pcode(pattern) end

---Raises an error: only LPeg's debug mode can print the tree of a pattern.
---@param pattern userdata
function lpeg.ptree(pattern) end
