---@meta

---Random numbers and strings from the operating system's generator: they are unpredictable, and
---there is no seed. (`math.random` is faster and repeatable.)
---@class random
random = {}

---A number from 0 up to but not including 1.
---
---```lua
---local x = random.number()
---assert(x >= 0 and x < 1)
---```
---@return number x
function random.number() end

---An integer between two limits (inclusive), each with the same probability.
---
---```lua
---local eyes = random.int(1, 6)
---assert(eyes >= 1 and eyes <= 6)
---```
---@param min integer from -2^53
---@param max integer up to 2^53; not less than `min`
---@return integer x
function random.int(min, max) end

---A string of letters and digits, or of the bytes of an alphabet, each with the same probability.
---
---```lua
---assert(#random.string(10) == 10)
---assert(random.string(8, "01"):find("^[01]+$"))
---```
---@param length integer at most 1048576
---@param alphabet? string 1 to 256 bytes
---@return string text
function random.string(length, alphabet) end
