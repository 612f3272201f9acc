---@meta

---Patterns of `lpeg` in the style of regular expressions, with the interface of the module `re` of
---LPeg 1.1. It is not a global: load it with `require "re"` or `import("re")`.
---
---| syntax | what it is |
---|---|---|
---| `'text'` `"text"` `.` `[a-z_]` `[^%s]` | a string, any byte, a byte of a class or not of it |
---| `%name` | `definitions.name`, or a class: `%a` `%c` `%d` `%g` `%l` `%p` `%s` `%u` `%w` `%x`, in upper case the opposite, `%nl` |
---| `p q` `p / q` `(p)` | `p` and then `q`, `p` or else `q`, grouping |
---| `p*` `p+` `p?` `p^3` `p^+3` `p^-3` | any number of times, at least once, at most once, 3 times, at least, at most 3 times |
---| `&p` `!p` | `p` matches or does not match; nothing is consumed |
---| `{p}` `{}` `{:p:}` `{:name: p:}` | captures of text, position, group, named group |
---| `{\| p \|}` `{~ p ~}` `=name` | a table, a substitution, the text that a named group has captured |
---| `p -> 'text'` `p -> 1` `p -> name` `p -> {}` | `lpeg`'s `p / x` with a string, a number, a definition; a table |
---| `p => name` `p >> name` `p ~> name` | `lpeg.Cmt`, `p % f` and `lpeg.Cf` with a definition |
---| `name <- p` ... `name` | the rules of a grammar, and their use |
---
---```lua
---local re = require "re"
---local list = re.compile("list <- {| item (',' item)* |}  item <- {[^,]*}")
---assert(table.concat(list:match("a,b,c"), " ") == "a b c")
---```
---@class re
re = {}

---Compiles a pattern. A pattern of `lpeg` is returned unchanged.
---
---```lua
---local re = require "re"
---local sum = re.compile([[
---  sum <- number (%s* '+' %s* number >> add)*
---  number <- %d+ -> tonumber
---]], { tonumber = tonumber, add = function(a, b) return a + b end })
---assert(sum:match("1 + 2 + 3") == 6)
---```
---@param pattern string
---@param definitions? table the values that the pattern refers to by name
---@return userdata
function re.compile(pattern, definitions) end

---Finds the first match at or after a position. Returns where it starts and ends; nil if there is
---none.
---
---```lua
---local re = require "re"
---local first, last = re.find("the number 423", "[0-9]+")
---assert(first == 12 and last == 14)
---```
---@param subject string
---@param pattern string|userdata
---@param init? number
---@return number? first
---@return number? last
function re.find(subject, pattern, init) end

---Replaces all matches. The replacement is what may follow a pattern's `/` in `lpeg`.
---
---```lua
---local re = require "re"
---assert(re.gsub("hello world", "[aeiou]", ".") == "h.ll. w.rld")
---assert(re.gsub("hello", "[a-z]+", string.upper) == "HELLO")
---```
---@param subject string
---@param pattern string|userdata
---@param replacement string|number|table|function
---@return string
function re.gsub(subject, pattern, replacement) end

---Matches a pattern at a position, as `lpeg.match`.
---
---```lua
---local re = require "re"
---assert(re.match("key=value", "{%w+} '=' {%w+}") == "key")
---```
---@param subject string
---@param pattern string|userdata
---@param init? number
---@return any ...
function re.match(subject, pattern, init) end

---Forgets compiled patterns and reads the classes of the locale again. The only locale is "C".
function re.updatelocale() end
