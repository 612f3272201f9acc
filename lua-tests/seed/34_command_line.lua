-- Example 34, in the section "Usage": solvm -timeout 10s examples/test.lua
-- Run as that, and once more without the option, whose default is 5 seconds.
-- stdout: PASS

sleep(5.5)
print("PASS")
