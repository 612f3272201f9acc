-- Example 13, in the section "Module System".
-- Copied to modules/math_utils.lua, too, where example 14 imports it.

local math_utils = {}

function math_utils.add(a, b)
    return a + b
end

function math_utils.subtract(a, b)
    return a - b
end

return math_utils
