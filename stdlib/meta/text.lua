---@meta

---What people do with strings every day: trim, split, join, replace, pad. These functions know UTF-8, unlike those of `string`; bytes
---that are no UTF-8 stay as they are. Nothing is a pattern.
---
---All are methods of strings, too (`("x"):trim()`), but `lower` and `upper`, which strings have already.
---
---```lua
---local words = text.split(text.trim("  Hello, World!  "), " ")
---assert(text.join(words, "-") == "Hello,-World!")
---```
---@class text
text = {}

---Without the space at both ends.
---
---```lua
---assert(text.trim("  a b\n") == "a b" and ("  x "):trim() == "x")
---```
---@param s string
---@return string trimmed
function text.trim(s) end

---Without the space at the beginning.
---
---```lua
---assert(text.trim_left("  a ") == "a ")
---```
---@param s string
---@return string trimmed
function text.trim_left(s) end

---Without the space at the end.
---
---```lua
---assert(text.trim_right(" a  ") == " a")
---```
---@param s string
---@return string trimmed
function text.trim_right(s) end

---In small letters, of all alphabets.
---
---```lua
---assert(text.lower("ÉCOLE") == "école")
---```
---@param s string
---@return string lower
function text.lower(s) end

---In capital letters, of all alphabets.
---
---```lua
---assert(text.upper("école") == "ÉCOLE")
---```
---@param s string
---@return string upper
function text.upper(s) end

---With a capital at the beginning of each word; the other letters stay.
---
---```lua
---assert(text.title("hello, world! it's me") == "Hello, World! It's Me")
---```
---@param s string
---@return string title
function text.title(s) end

---The parts between separators, which may be empty. Without a separator, the words between space; with an empty one, the
---characters.
---
---```lua
---assert(#text.split("a,b,,c", ",") == 4)
---assert(text.split("  two words ")[2] == "words")
---assert(text.split("né", "")[2] == "é")
---```
---@param s string
---@param separator? string
---@return string[] parts
function text.split(s, separator) end

---The items of a list in one string.
---
---```lua
---assert(text.join({ "a", "b", 3 }, ", ") == "a, b, 3")
---```
---@param list (string|number)[]
---@param separator? string
---@return string joined
function text.join(list, separator) end

---With every `old`, or the first `count` of them, replaced by `new`.
---
---```lua
---assert(text.replace("1.2.3", ".", "-") == "1-2-3")
---assert(text.replace("1.2.3", ".", "-", 1) == "1-2.3")
---```
---@param s string
---@param old string not empty
---@param new string
---@param count? integer
---@return string replaced
function text.replace(s, old, new, count) end

---Whether a string occurs in another.
---
---```lua
---assert(text.contains("Hello", "ell") and not text.contains("Hello", "."))
---```
---@param s string
---@param part string
---@return boolean contains
function text.contains(s, part) end

---Whether a string begins with another.
---
---```lua
---assert(text.starts_with("Hello", "He"))
---```
---@param s string
---@param part string
---@return boolean starts
function text.starts_with(s, part) end

---Whether a string ends with another.
---
---```lua
---assert(text.ends_with("Hello", "lo"))
---```
---@param s string
---@param part string
---@return boolean ends
function text.ends_with(s, part) end

---Filled up in front to a number of characters.
---
---```lua
---assert(text.pad_left("123", 5, "0") == "00123" and text.pad_left("12345", 3) == "12345")
---```
---@param s string
---@param width integer
---@param pad? string what is repeated; a space if left out
---@return string padded
function text.pad_left(s, width, pad) end

---Filled up behind to a number of characters.
---
---```lua
---assert(text.pad_right("né", 4, ".") == "né..")
---```
---@param s string
---@param width integer
---@param pad? string what is repeated; a space if left out
---@return string padded
function text.pad_right(s, width, pad) end

---So many times the string. (`repeat` is a reserved word; after a dot it is a name.)
---
---```lua
---assert(text.repeat("abc", 2) == "abcabc")
---```
---@param s string
---@param count integer
---@return string repeated
function text.repeat(s, count) end

---The same as `text.repeat`.
---
---```lua
---assert(text.repeat_str("-", 3) == "---")
---```
---@param s string
---@param count integer
---@return string repeated
function text.repeat_str(s, count) end
