-- os.exit ends the program at once, from anywhere; buffered output is flushed.
-- exit: 7
-- stdout: written
local file = io.popen("cat; sleep 0.05", "w")
file:write("to a child\n")
io.write("written\n")
go(function()
  while true do end
end)
coroutine.wrap(function()
  pcall(function()
    return setmetatable({}, { __index = function() os.exit(7) end }).field
  end)
end)()
error("not reached")
