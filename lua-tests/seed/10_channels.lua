-- Example 10, in the section "Concurrency Features / Channels".
-- stdout: PASS

-- Before the example:
chan("ch1", 1)
chan("ch2", 1)
send("ch2", "ready")

-- The example:
-- Create a channel
chan("my_channel", 5)  -- buffer size of 5

-- Send to channel
send("my_channel", "hello")

-- Receive from channel
local value = receive("my_channel")

-- Select from multiple channels
local value, channel = select("ch1", "ch2")

-- After the example:
assert(value == "ready" and channel == "ch2")
print("PASS")
