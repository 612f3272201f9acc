-- exit: 1
-- stderr: all goroutines are asleep - deadlock!
-- Workers send results without a receiver: their sends raise when the main chunk has ended.
chan("results")
for i = 1, 3 do go(function() send("results", i) end) end
receive("results")
