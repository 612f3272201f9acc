-- A value whose __call is pcall calls itself, with one more argument each time, until the stack
-- overflows.
local callable = setmetatable({}, {__call = pcall})
local results = {pcall(callable, 1)}
assert(results[1] == true)
local text = results[#results]
assert(type(text) == "string" and text:find("stack overflow"))
assert(results[#results - 1] == false)
