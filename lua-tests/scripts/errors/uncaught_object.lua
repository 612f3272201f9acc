-- An uncaught table: its contents, and the traceback. No __tostring runs.
-- exit: 1
-- stderr: solvm: (error object is a table value): { code = 42, list = { 1, {...} }, name = "a\n" }
-- stderr: stack traceback:
-- stderr: [C]: in function 'error'
-- stderr: uncaught_object.lua:18: in function 'inner'
-- stderr: uncaught_object.lua:20: in main chunk
-- stderr: (error object is a table value): {}
-- stderr: uncaught_object.lua:13: in function <
-- stderr: (error object is a nil value)
-- stderr: (error object is a table value): { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ... 90 more }
go(function()
    local _ = error(setmetatable({}, { __tostring = function() os.exit(0) end })) end)
go(function() error(nil) end)
go(function() local many = {} for i = 1, 100 do many[i] = i end error(many) end)
wait()
local function inner()
    local _ = error({ code = 42, name = "a\n", list = { 1, {} } })
end
local _ = inner() return 1
