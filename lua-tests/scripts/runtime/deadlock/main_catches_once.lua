-- exit: 1
-- stdout: caught
-- stderr: all goroutines are asleep - deadlock!
-- The main chunk may catch it; if it waits again without a transfer in between, the program ends.
chan("never")
assert(not pcall(receive, "never"))
print("caught")
while true do pcall(receive, "never") end
