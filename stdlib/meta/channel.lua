---@meta

---gopher-lua's channel library, on the same channels as `chan`, `send` and `receive`.
---
---```lua
---local ch = channel.make(1)
---ch:send("x")
---local ok, value = ch:receive()
---assert(ok == true and value == "x")
---ch:close()
---assert(ch:receive() == false)
---```
---@class channel
channel = {}

---Makes a channel without a name.
---@param size? number
---@return Channel channel
function channel.make(size) end

---Waits until one of multiple operations can proceed, and performs it. Each case is a table:
---`{"|<-", channel, function(ok, value) end}` receives,
---`{"<-|", channel, value, function(value) end}` sends, `{"default", function() end}` is chosen if
---no other can proceed at once.
---
---```lua
---local one, two = channel.make(1), channel.make(1)
---two:send("hello")
---local index, value, ok = channel.select({ "|<-", one }, { "|<-", two })
---assert(index == 2 and value == "hello" and ok == true)
---```
---@param ... table
---@return number index of the case
---@return any value that was received
---@return boolean? ok whether there was one
function channel.select(...) end

---A channel.
---@class Channel
local Channel = {}

---Sends a value; waits until there is room.
---@param value any
function Channel:send(value) end

---Receives a value.
---@return boolean ok false at the end of a closed channel
---@return any value
function Channel:receive() end

---Closes the channel.
function Channel:close() end
