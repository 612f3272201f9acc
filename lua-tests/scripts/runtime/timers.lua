-- stdout: timeout
-- Sleeping, timeouts, intervals, cron, and clearing them.
local order = {}
local function note(what) order[#order + 1] = what end

-- sleepers wake in the order of their times, whatever the order of their starts
for _, time in ipairs({ 0.03, 0.01, 0.02 }) do
  go(function() sleep(time) note(time) end)
end
wait()
assert(table.concat(order, " ") == "0.01 0.02 0.03")

-- a receive that times out, a send that times out
local empty = chan()
local value, reason = receive(empty, 0.01)
assert(value == nil and reason == "timeout")
assert(send(empty, 1, 0.01) == false)
-- the value that was not received is dropped
value, reason = receive(empty, 0)
assert(value == nil and reason == "timeout")

-- in time
go(function() sleep(0.01) send(empty, "late") end)
assert(receive(empty, 10) == "late")
go(function() sleep(0.01) assert(receive(empty) == "taken") end)
assert(send(empty, "taken", 10) == true)

-- many waits that time out leave nothing behind
local before = check_memory().alloc
for _ = 1, 2000 do receive(empty, 0) end
collectgarbage()
assert(check_memory().alloc - before < 100000)

-- an interval continues after an error and ends when it is cleared from inside
local errors = {}
on_error(function(message) errors[#errors + 1] = message end)
local count, done, interval = 0, chan(), nil
interval = set_interval(function()
  count = count + 1
  if count == 2 then error("second") end
  if count == 3 then
    assert(clear_interval(interval) == true)
    sleep(0.03)
    send(done, true)
  end
end, 0.01)
receive(done)
assert(count == 3 and #errors == 1 and errors[1]:find("second"))
assert(clear_interval(interval) == false)

-- a timer that is cleared does not fire; each kind clears its own
local fired = false
local timeout = set_timeout(function() fired = true end, 0.01)
assert(not clear_interval(timeout) and clear_timeout(timeout) and not clear_timeout(timeout))
sleep(0.03)
assert(not fired)

-- cron: seconds first
local ticks = 0
local schedule = cron("* * * * * *", function() ticks = ticks + 1 send(done, true) end)
receive(done)
assert(ticks == 1 and clear_cron(schedule))
schedule = cron("@every 20ms", function() send(done, true) end)
receive(done) receive(done)
assert(clear_cron(schedule))
for wrong, expected in pairs({
  ["0 0 0 30 2 *"] = "schedule never matches",
  ["0 1,,2 * * * *"] = "minute '1,,2': 0 to 59 expected",
  ["0 0 25 * * *"] = "hour '25': 0 to 23 expected",
}) do
  local ok, message = pcall(cron, wrong, print)
  assert(not ok and message:find("(schedule '" .. wrong .. "': " .. expected, 1, true), message)
end
for wrong, count in pairs({ ["* * * * *"] = 5, bad = 1, [""] = 0, ["* * * * * * *"] = 7 }) do
  local ok, message = pcall(cron, wrong, print)
  local expected =
    "six fields expected (second, minute, hour, day of the month, month, day of the week) or a "
    .. "name such as @hourly, got " .. count
  assert(not ok and message:find(expected, 1, true), message)
end
assert(not pcall(clear_cron, 1.5) and not clear_cron(-1) and not clear_cron(0))
for _, wrong in ipairs({
  "* * * * *", "61 * * * * *", "", "@every 0s", "@every soon", "@sometimes", "* * * * * 9",
}) do
  local ok, message = pcall(cron, wrong, print)
  assert(not ok and message:find("schedule '" .. wrong, 1, true), message)
end
assert(not pcall(set_interval, print, 0) and not pcall(set_timeout, print, 0 / 0))

-- a pending timer keeps the program alive
set_timeout(print, 0.01)
set_timeout(function() print("timeout") end, 0.02)
