-- An uncaught error: message, traceback, exit code.
-- exit: 1
-- stderr: uncaught.lua:10: boom
-- stderr: stack traceback:
-- stderr: [C]: in function 'error'
-- stderr: uncaught.lua:10: in function 'inner'
-- stderr: uncaught.lua:12: in main chunk
local function outer()
  local function inner()
    error("boom") end inner() return 1
end
local _ = outer() return 1
