-- exit: 1
-- stderr: in the handler
-- stdout: the rest
-- A handler's own error is printed and goes to no handler.
local calls = 0
on_error(function(e) calls = calls + 1 error("in the handler") end)
go(function() error("first") end)
sleep(0.02)
assert(calls == 1)
print("the rest")
