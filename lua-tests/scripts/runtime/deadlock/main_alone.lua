-- exit: 1
-- stderr: main_alone.lua:4: all goroutines are asleep - deadlock!
chan("never")
receive("never")
