-- A send that is waiting when its channel is closed fails like a later one; buffered values are
-- still delivered.
local function message(f, ...)
  local ok, reason = pcall(f, ...)
  assert(not ok)
  return (reason:gsub("^.-:%d+: ", ""))
end

local function reasons_of(channel, ...)
  local reasons = {}
  for index, waiting in ipairs({ ... }) do
    go(function() reasons[index] = message(waiting) end)
  end
  sleep(0.001)
  close_channel(channel)
  wait()
  return reasons
end

local channel = chan("full", 1)
send(channel, "buffered")
local reasons = reasons_of(channel,
  function() send(channel, 1) end,
  function() send("full", 2, 60) end,
  function() channel:send(3) end,
  function() _G.channel.select({ "<-|", channel, 4 }) end,
  function() _G.channel.select({ "|<-", chan() }, { "<-|", channel, 5 }) end)
for index = 1, 5 do assert(reasons[index] == "send on closed channel", reasons[index]) end
assert(message(send, channel, 6) == reasons[1] and message(channel.send, channel, 6) == reasons[1])

assert(receive(channel) == "buffered")
assert(select(2, receive(channel)) == "closed")

-- a send that was not caught goes to on_error, with its position
local heard
on_error(function(reason) heard = reason end)
local other = chan()
go(function() send(other, 1) end)
go(close_channel, other)
wait()
sleep(0.001)
assert(heard:find("close_fails_sends.lua:%d+: send on closed channel$"), heard)
