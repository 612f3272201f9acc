-- channel, as in gopher-lua.
local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and tostring(message):find(text, 1, true), tostring(message))
end

-- buffered: no one waits
local ch = channel.make(2)
ch:send(1)
ch:send(nil)
local ok, value = ch:receive()
assert(ok == true and value == 1)
ok, value = ch:receive()
assert(ok == true and value == nil)
ch:send("last")
ch:close()
ok, value = ch:receive()
assert(ok == true and value == "last")
for _ = 1, 3 do
  ok, value = ch:receive()
  assert(ok == false and value == nil)
end
fails("send on closed channel", ch.send, ch, 1)
assert(tostring(ch):find("^channel: 0x"))

-- unbuffered: a send meets its receive, both ways round
ch = channel.make()
go(function() for i = 1, 3 do ch:send(i) end ch:close() end)
local sum = 0
while true do
  local open, x = ch:receive()
  if not open then break end
  sum = sum + x
end
assert(sum == 6)
local back = channel.make()
go(function() for i = 1, 3 do local _, x = ch:receive() back:send(x == nil) end end)
for _ = 1, 3 do assert(select(2, back:receive())) end

-- they are the channels of send and receive
local named = chan("named", 1)
named:send("through")
assert(receive("named") == "through")
send(named, 5)
assert(select(2, named:receive()) == 5)

-- select: a case that is possible
local a, b, full = channel.make(1), channel.make(1), channel.make(1)
full:send(0)
a:send("from a")
local got
local number, received, open = channel.select({ "|<-", b, error },
  { "|<-", a, function(...) got = { ... } end }, { "<-|", full, 1, error })
assert(number == 2 and received == "from a" and open == true and got[1] == true
  and got[2] == "from a")
number, received, open = channel.select({ "|<-", a }, { "<-|", b, "to b", function(x) got = x end })
assert(number == 2 and received == nil and open == false and got == "to b"
  and select(2, b:receive()) == "to b")

-- the default, and closed channels
number, received, open = channel.select({ "|<-", a, error }, { "default", function(...)
  got = select("#", ...)
end })
assert(number == 2 and received == nil and open == false and got == 0)
assert(channel.select({ "default" }) == 1)
local shut = channel.make()
shut:close()
number, received, open = channel.select({ "|<-", a }, { "|<-", shut, function(...)
  got = { ... }
end })
assert(number == 2 and received == nil and open == false and got[1] == false and got[2] == nil)
fails("send on closed channel", channel.select, { "<-|", shut, 1 })

-- waiting: for a value, for a receiver, for the end; cases that were not chosen have no effect
go(function() a:send("late") end)
number, received = channel.select({ "|<-", a }, { "|<-", b }, { "<-|", full, "never" })
assert(number == 1 and received == "late")
go(function() got = { full:receive() } end)
number = channel.select({ "|<-", a, error }, { "<-|", full, "taken", function()
  coroutine.wrap(function() coroutine.yield() end)()
end })
assert(number == 2 and got[2] == 0 and select(2, full:receive()) == "taken")
local ends = channel.make()
go(function() ends:close() end)
number, received, open = channel.select({ "|<-", ends, function(flag) got = flag end },
  { "|<-", a })
assert(number == 1 and open == false and got == false)
assert(channel.select({ "|<-", a }, { "default" }) == 2 and channel.select({ "<-|", a, 1 }) == 1
  and channel.select({ "|<-", b }, { "default" }) == 2)
a:receive()

-- two that select meet each other
local left, right = channel.make(), channel.make()
local met = {}
for i = 1, 100 do
  go(function() met[#met + 1] = channel.select({ "<-|", left, i }, { "<-|", right, i }) end)
end
sum = 0
for _ = 1, 100 do
  local _, x = channel.select({ "|<-", right }, { "|<-", left })
  sum = sum + x
end
assert(sum == 5050)

-- each case that is possible is taken about as often as the others
local counts = { 0, 0, 0 }
local ready = { channel.make(1), channel.make(1), channel.make(1) }
for _, each in ipairs(ready) do each:send(0) end
for _ = 1, 3000 do
  local i = channel.select({ "|<-", ready[1] }, { "|<-", ready[2] }, { "|<-", ready[3] })
  counts[i] = counts[i] + 1
  ready[i]:send(0)
end
for i = 1, 3 do assert(counts[i] > 800, counts[i]) end

-- handlers may wait and fail
ready[1]:receive()
ready[1]:send("x")
fails("from the handler", channel.select, { "|<-", ready[1], function(_, x)
  error(x .. " from the handler")
end })
ready[1]:send("y")
number, received = channel.select({ "|<-", ready[1], function()
  ready[2]:receive()
  ends:receive()
end })
assert(number == 1 and received == "y")

-- wrong arguments
fails("bad argument #1 to 'make' (size out of range)", function() channel.make(-1) end)
fails("bad argument #1 to 'make' (integer expected, got string)", function() channel.make("x") end)
fails("bad argument #1 to 'make' (integer expected, got 1.5)", function() channel.make(1.5) end)
fails("channel expected, got table", function() ch.send({}, 1) end)
fails("bad argument #1 to 'send' (value expected)", function() ch:send() end)
fails("bad argument #2 to 'select' (table expected, got number)", function()
  channel.select({ "default" }, 5)
end)
fails("bad argument #1 to 'select' (invalid select case)", function() channel.select({}) end)
fails("bad argument #1 to 'select' (invalid select case)", function()
  channel.select({ "|<-", 5 })
end)
fails("bad argument #1 to 'select' (invalid channel direction:<-)", function()
  channel.select({ "<-", ch })
end)

-- deadlock
go(function()
  local nothing, reason = channel.select({ "|<-", a }, { "|<-", b })
  assert(nothing == nil and reason == "deadlock")
  fails("asleep", left.send, left, 1)
end)
fails("all goroutines are asleep", ends.send, channel.make(), 1)
