-- An uncaught table: what its __tostring returns, or its contents, and the traceback.
-- exit: 1
-- stderr: solvm: (error object is a table value): { code = 42, list = { 1, {...} }, name = "a\n" }
-- stderr: stack traceback:
-- stderr: [C]: in function 'error'
-- stderr: uncaught_object.lua:21: in function 'inner'
-- stderr: uncaught_object.lua:23: in main chunk
-- stderr: solvm: converted after a wait
-- stderr: (error object is a table value): {}
-- stderr: uncaught_object.lua:14: in function <
-- stderr: (error object is a nil value)
-- stderr: (error object is a table value): { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ... 90 more }
go(function()
    local _ = error(setmetatable({}, {
        __tostring = function() sleep(0.01) return "converted after a wait" end })) end)
go(function() error(setmetatable({}, { __tostring = function() error("again") end })) end)
go(function() error(nil) end)
go(function() local many = {} for i = 1, 100 do many[i] = i end error(many) end)
wait()
local function inner()
    local _ = error({ code = 42, name = "a\n", list = { 1, {} } })
end
local _ = inner() return 1
