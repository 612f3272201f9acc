-- A goroutine that is ended in the very first instruction of its function.
-- whole slices: less than a microsecond is not measured
-- options: -run-limit 100ms
-- exit: 1
-- stderr: run_limit_at_first_instruction.lua:10:
-- stderr: in function <

local interval = set_interval(function() end, 1)
local ended = chan()
local function loop() while true do end end
go(loop)
go(function() sleep(0.5) send(ended, true) end)
receive(ended)
clear_interval(interval)
