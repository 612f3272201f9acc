-- Goroutines and channels: meeting, buffering, closing, fairness.
chan("meet")
local log = {}
go(function(a, b) log[#log + 1] = a + b send("meet", "first") log[#log + 1] = "sent" end, 1, 2)
assert(receive("meet") == "first" and log[1] == 3)

-- a buffer blocks when it is full
local buffered = chan("buffered", 2)
local sent = 0
go(function() for i = 1, 5 do send(buffered, i) sent = i end close_channel(buffered) end)
local sum = 0
while true do
  local value, reason = receive("buffered")
  if value == nil then
    assert(reason == "closed")
    break
  end
  sum = sum + value
end
assert(sum == 15 and sent == 5)
assert(not pcall(send, "buffered", 1))
assert(not pcall(chan, "meet"), "the name is taken")
assert(not pcall(chan, "#") and not pcall(chan, "12"))

-- nil is a value like any other to send; order is kept
chan("order", 10)
for i = 1, 10 do send("order", i) end
for i = 1, 10 do assert(receive("order") == i) end

-- many goroutines, one result each, through pcall, sort and metamethods
local results = chan(0)
local object = setmetatable({}, { __index = function(_, key) return receive(key) end })
local inputs = chan("inputs")
for i = 1, 100 do
  go(function()
    local ok, value = pcall(function() return object.inputs end)
    table.sort({ 2, 1 }, function(a, b) send(results, ok and value or -1) return a < b end)
  end)
end
go(function() for i = 1, 100 do send(inputs, i) end end)
local total = 0
for _ = 1, 100 do total = total + receive(results) end
assert(total == 5050)

-- goroutines that compute take turns
local done = chan("done", 3)
local order = {}
for name = 1, 3 do
  go(function()
    for i = 1, 3 do
      for _ = 1, 2e5 do end
      order[#order + 1] = name
    end
    send(done, true)
  end)
end
for _ = 1, 3 do receive(done) end
assert(#order == 9)

-- a goroutine inside a coroutine inside a goroutine
chan("deep")
go(function()
  local co = coroutine.wrap(function() coroutine.yield(receive("deep")) return receive("deep") end)
  send("meet", co() + co())
end)
go(function() send("deep", 40) send("deep", 2) end)
assert(receive("meet") == 42)
