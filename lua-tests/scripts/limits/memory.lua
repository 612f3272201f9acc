-- An error for want of memory that nobody catches.
-- options: -memory-limit 20
-- exit: 1
-- stderr: not enough memory
local t = {}
while true do t[#t + 1] = {} end
