-- An uncaught error in a goroutine is printed, the others continue, and the program exits with 1.
-- exit: 1
-- stdout: the main chunk went on
-- stderr: goroutine_error.lua:6: broken
chan("end")
go(function() error("broken") end)
go(function() send("end", true) end)
receive("end")
print("the main chunk went on")
