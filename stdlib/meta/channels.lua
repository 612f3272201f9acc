---@meta

---Channels between goroutines, as in Go. Every function accepts a channel or its name. (`select` is
---described with Lua's own function of that name.)

---Makes a channel. A channel of size 0 transfers a value when a sender and a receiver meet; others
---buffer up to `size` values.
---
---```lua
---chan("numbers", 2)
---send("numbers", 1)
---send("numbers", 2)
---assert(receive("numbers") == 1)
---local own = chan(1)
---assert(send(own, "x") and receive(own) == "x")
---```
---@param name? string not numeric, not starting with `#`; an error if the name is in use. Without it, the channel has no name
---@param size? number
---@return userdata channel
function chan(name, size) end

---Sends a value: waits until a receiver takes it or the buffer has room. Sending to a closed
---channel is an error, and so is waiting when no goroutine can ever receive (see `receive`).
---
---```lua
---local channel = chan()
---assert(send(channel, 1, 0.01) == false)
---```
---@param channel string|userdata
---@param value any
---@param timeout? number in seconds (default: no limit)
---@return boolean sent false if the time was up
function send(channel, value, timeout) end

---Receives a value. At the end of a closed channel it returns nil and "closed"; a goroutine that
---calls it again is ended.
---
---Deadlock: if all goroutines wait for each other and for no timer, file or network, their waits
---are ended in sequence, the longest first and the main chunk's last. A goroutine gets nil and
---"deadlock", and is ended if it calls again with nothing sent or received in between; in the main
---chunk, `receive` raises the error "all goroutines are asleep - deadlock!".
---
---```lua
---local channel = chan(1)
---assert(select(2, receive(channel, 0.01)) == "timeout")
---send(channel, "last")
---close_channel(channel)
---assert(receive(channel) == "last" and select(2, receive(channel)) == "closed")
---
---local reason
---go(function() reason = select(2, receive(chan())) end)
---wait()
---assert(reason == "deadlock")
---local ok, message = pcall(receive, chan())
---assert(not ok and message:find("all goroutines are asleep - deadlock!", 1, true))
---```
---@param channel string|userdata also a listener
---@param timeout? number in seconds (default: no limit)
---@return any value
---@return string? reason "closed", "timeout" or "deadlock"
function receive(channel, timeout) end

---Closes a channel: buffered values are still delivered, senders fail, receivers get the end.
---
---```lua
---local channel = chan()
---go(function() sleep(0.01) close_channel(channel) end)
---assert(receive(channel) == nil)
---```
---@param channel string|userdata
function close_channel(channel) end
