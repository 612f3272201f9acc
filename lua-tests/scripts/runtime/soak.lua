-- Ten thousand goroutines exchange messages, create and close channels, fail and are caught, for
-- the number of seconds in the first argument (3): no message is lost or duplicated, every error
-- is reported once, memory use does not grow.
-- whole slices: its duration is fixed, and with a budget of 1 it does almost nothing
local SECONDS = tonumber((...) or 3)
local GROUPS, MESSAGES = 2500, 7

local stop = false
local sent, received, failed, told, caught, rounds, tallied = 0, 0, 0, 0, 0, 0, 0
local rounds_of, tally_of = {}, {}
on_error(function(message)
  assert(message:find("on purpose$"), message)
  told = told + 1
end)

local function fail() error("on purpose") end

-- A round: a producer creates two channels; a relay forwards the messages of the first; a consumer
-- checks the second.
local function produce(id, to_relay, to_consumer, to_failer, bus)
  rounds_of[id] = 0
  while not stop do
    local first, second = chan(id % 3), chan(id % 2)
    send(to_relay, { first, second })
    send(to_consumer, second)
    for number = 1, MESSAGES do
      send(first, number)
      sent = sent + 1
    end
    close_channel(first)
    send(to_failer, true)
    rounds, rounds_of[id] = rounds + 1, rounds_of[id] + 1
    send(bus, id)
  end
  close_channel(to_relay)
  close_channel(to_consumer)
  close_channel(to_failer)
end

local function relay(rounds)
  while true do
    local pair = receive(rounds)
    if not pair then return end
    while true do
      local message = receive(pair[1])
      if not message then break end
      send(pair[2], message)
    end
    close_channel(pair[2])
  end
end

local function consume(rounds)
  while true do
    local channel = receive(rounds)
    if not channel then return end
    local expected = 1
    while true do
      local message, source = select(channel)
      if message == nil then break end
      assert(message == expected and source == channel)
      expected = expected + 1
      received = received + 1
    end
    assert(expected == MESSAGES + 1)
  end
end

local function fail_again_and_again(rounds)
  while receive(rounds) do
    local closed = chan()
    close_channel(closed)
    local ok, message = pcall(send, closed, 1)
    assert(not ok and message == "send on closed channel", message)
    caught = caught + 1
    failed = failed + 1
    go(fail)
  end
end

-- The rounds of all goroutines are sent to one collector.
local bus = chan(100)
local collector_is_done = chan(1)
go(function()
  while true do
    local id = receive(bus)
    if not id then break end
    tally_of[id] = (tally_of[id] or 0) + 1
    tallied = tallied + 1
  end
  send(collector_is_done, true)
end)

local producers_left, producers_are_done = GROUPS, chan()
for id = 1, GROUPS do
  local to_relay, to_consumer, to_failer = chan(), chan(), chan()
  go(function()
    produce(id, to_relay, to_consumer, to_failer, bus)
    producers_left = producers_left - 1
    if producers_left == 0 then close_channel(producers_are_done) end
  end)
  go(relay, to_relay)
  go(consume, to_consumer)
  go(fail_again_and_again, to_failer)
end
assert(check_memory().goroutines >= 4 * GROUPS)

local samples, sizes = {}, {}
for i = 1, 10 do
  sleep(SECONDS / 10)
  collectgarbage()
  samples[i], sizes[i] = collectgarbage("count"), check_memory().sys / 1024
  if SECONDS > 10 then
    io.write(("%3d s  %10d rounds  %8.1f MiB live  %8.1f MiB of the process\n"):format(
      i * SECONDS / 10, rounds, samples[i] / 1024, sizes[i] / 1024))
    io.flush()
  end
end
stop = true
receive(producers_are_done)
close_channel(bus)
assert(receive(collector_is_done))
wait()
sleep(0.01)

assert(sent == rounds * MESSAGES and received == sent, received .. " of " .. sent)
assert(tallied == rounds and caught == rounds and failed == rounds)
assert(told == failed, told .. " of " .. failed)
for id = 1, GROUPS do assert(tally_of[id] == rounds_of[id] and rounds_of[id] > 0) end
assert(check_memory().goroutines == 1)
-- The second half reuses the memory of the first half.
local function most(list, from, to)
  local result = 0
  for i = from, to do result = math.max(result, list[i]) end
  return result
end
for _, list in ipairs{samples, sizes} do
  assert(most(list, 6, 10) <= 1.2 * most(list, 1, 5), table.concat(list, " "))
end
io.write(rounds, " rounds, ", received, " messages, ", told, " errors\n")
