---@meta

---String helpers: trim, split, join, replace, pad. Unlike the functions of `string`, these support
---UTF-8; bytes that are not valid UTF-8 are kept. No argument is a pattern.
---
---All are also methods of strings (`("x"):trim()`), except `lower` and `upper`, which strings
---already have.
---
---```lua
---local words = text.split(text.trim("  Hello, World!  "), " ")
---assert(text.join(words, "-") == "Hello,-World!")
---```
---@class text
text = {}

---Removes white space at both ends.
---
---```lua
---assert(text.trim("  a b\n") == "a b" and ("  x "):trim() == "x")
---```
---@param s string
---@return string trimmed
function text.trim(s) end

---Removes white space at the start.
---
---```lua
---assert(text.trim_left("  a ") == "a ")
---```
---@param s string
---@return string trimmed
function text.trim_left(s) end

---Removes white space at the end.
---
---```lua
---assert(text.trim_right(" a  ") == " a")
---```
---@param s string
---@return string trimmed
function text.trim_right(s) end

---Converts to lower case (all scripts of Unicode).
---
---```lua
---assert(text.lower("ÉCOLE") == "école")
---```
---@param s string
---@return string lower
function text.lower(s) end

---Converts to upper case (all scripts of Unicode).
---
---```lua
---assert(text.upper("école") == "ÉCOLE")
---```
---@param s string
---@return string upper
function text.upper(s) end

---Converts the first letter of each word to upper case; other letters are kept.
---
---```lua
---assert(text.title("hello, world! it's me") == "Hello, World! It's Me")
---```
---@param s string
---@return string title
function text.title(s) end

---Splits a string at a separator; parts may be empty. Without a separator, splits at white space;
---with an empty one, into characters.
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

---Joins the items of a list to one string.
---
---```lua
---assert(text.join({ "a", "b", 3 }, ", ") == "a, b, 3")
---```
---@param list (string|number)[]
---@param separator? string
---@return string joined
function text.join(list, separator) end

---Replaces every `old`, or the first `count` of them, by `new`.
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

---Whether a string starts with another.
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

---Pads a string at the start to a number of characters.
---
---```lua
---assert(text.pad_left("123", 5, "0") == "00123" and text.pad_left("12345", 3) == "12345")
---```
---@param s string
---@param width integer
---@param pad? string what is repeated; a space if left out
---@return string padded
function text.pad_left(s, width, pad) end

---Pads a string at the end to a number of characters.
---
---```lua
---assert(text.pad_right("né", 4, ".") == "né..")
---```
---@param s string
---@param width integer
---@param pad? string what is repeated; a space if left out
---@return string padded
function text.pad_right(s, width, pad) end

---Repeats a string. (`repeat` is a reserved word; after a dot it is a name.)
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
