---@meta

---Mathematics (Lua 5.1, section 5.6). Angles are in radians.
---
---```lua
---assert(math.floor(-1.5) == -2 and math.ceil(-1.5) == -1 and math.abs(-1) == 1)
---assert(math.max(1, 3, 2) == 3 and math.min(1, 3, 2) == 1)
---assert(math.fmod(-7, 3) == -1 and -7 % 3 == 2)
---assert(math.modf(3.25) == 3 and select(2, math.modf(3.25)) == 0.25)
---assert(math.ldexp(0.5, 3) == 4 and math.frexp(4) == 0.5)
---assert(math.log(8, 2) == 3 and math.deg(math.pi) == 180)
---```
---@class math
math = {}

---The ratio of a circle's circumference to its diameter.
math.pi = 3.1415926535897932

---Infinity: larger than any other number.
math.huge = 1 / 0

---The absolute value.
---@param x number
---@return number
function math.abs(x) end

---The arc cosine.
---@param x number
---@return number
function math.acos(x) end

---The arc sine.
---@param x number
---@return number
function math.asin(x) end

---The arc tangent.
---@param x number
---@return number
function math.atan(x) end

---The smallest integer that is not less than x.
---@param x number
---@return number
function math.ceil(x) end

---The cosine.
---@param x number
---@return number
function math.cos(x) end

---The hyperbolic cosine.
---@param x number
---@return number
function math.cosh(x) end

---Converts an angle from radians to degrees.
---@param x number
---@return number
function math.deg(x) end

---e to the power of x.
---@param x number
---@return number
function math.exp(x) end

---The largest integer that is not greater than x.
---@param x number
---@return number
function math.floor(x) end

---The logarithm to base 10.
---@param x number
---@return number
function math.log10(x) end

---Converts an angle from degrees to radians.
---@param x number
---@return number
function math.rad(x) end

---The sine.
---@param x number
---@return number
function math.sin(x) end

---The hyperbolic sine.
---@param x number
---@return number
function math.sinh(x) end

---The square root.
---@param x number
---@return number
function math.sqrt(x) end

---The tangent.
---@param x number
---@return number
function math.tan(x) end

---The hyperbolic tangent.
---@param x number
---@return number
function math.tanh(x) end

---The angle of the point (x, y).
---@param y number
---@param x number
---@return number
function math.atan2(y, x) end

---The remainder of x / y, with the sign of x.
---@param x number
---@param y number
---@return number
function math.fmod(x, y) end

---The same as `math.fmod` (of Lua 5.0).
---@param x number
---@param y number
---@return number
function math.mod(x, y) end

---x to the power of y: `x ^ y`.
---@param x number
---@param y number
---@return number
function math.pow(x, y) end

---m times 2 to the power of e.
---@param m number
---@param e number
---@return number
function math.ldexp(m, e) end

---The logarithm to a base (default e).
---@param x number
---@param base? number
---@return number
function math.log(x, base) end

---The largest of the arguments.
---@param x number
---@param ... number
---@return number
function math.max(x, ...) end

---The smallest of the arguments.
---@param x number
---@param ... number
---@return number
function math.min(x, ...) end

---The integral and the fractional part.
---@param x number
---@return number integral
---@return number fraction
function math.modf(x) end

---m and e with x = m * 2 ^ e and m from 0.5 to 1.
---@param x number
---@return number m
---@return number e
function math.frexp(x) end

---A random number: from 0 up to but not including 1, from 1 to `m`, or from `m` to `n`. For
---unpredictable numbers use the module `random`.
---
---```lua
---math.randomseed(1)
---local dice = math.random(6)
---math.randomseed(1)
---assert(dice == math.random(6) and dice >= 1 and dice <= 6)
---```
---@param m? number
---@param n? number
---@return number
function math.random(m, n) end

---Seeds the random number generator.
---@param seed number
function math.randomseed(seed) end
