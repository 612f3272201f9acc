-- An uncaught "not enough memory".
-- options: -memory-limit 20
-- exit: 1
-- stderr: not enough memory
local t = {}
while true do t[#t + 1] = {} end
