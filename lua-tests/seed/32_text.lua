-- Example 32, in the section "Additional Modules / Text Module".
-- stdout: PASS

-- The example:
-- String manipulation
local text = "  Hello, World!  "
local trimmed = text.trim(text)
local lower = text.lower(text)
local upper = text.upper(text)
local title = text.title(text)

-- Split and join
local words = text.split(text.trim(text), " ")
local joined = text.join(words, ", ")

-- Replace
local replaced = text.replace(text, "World", "Lua")

-- String checks
local contains = text.contains(text, "Hello")
local starts = text.starts_with(text, "  H")
local ends = text.ends_with(text, "!  ")

-- Padding
local padded = text.pad_left("123", 5, "0")

-- Repeat
local repeated = text.repeat("abc", 3)

-- After the example:
assert(trimmed == "Hello, World!" and title == "  Hello, World!  ")
assert(lower == "  hello, world!  " and upper == "  HELLO, WORLD!  ")
assert(#words == 2 and words[1] == "Hello," and joined == "Hello,, World!")
assert(replaced == "  Hello, Lua!  ")
assert(contains == true and starts == true and ends == true)
assert(padded == "00123" and repeated == "abcabcabc")
print("PASS")
