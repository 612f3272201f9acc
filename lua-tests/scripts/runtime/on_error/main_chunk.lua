-- exit: 1
-- stdout: told
-- stderr: main_chunk.lua:8: the end
-- stderr: stack traceback:
-- An error in the main chunk ends the program at once; handlers are called first.
on_error(function(e) sleep(0.01) assert(e:find("the end")) print("told") end)
go(function() sleep(0.1) print("too late") os.exit(3) end)
error("the end")
