-- get_goroutines: numbers and where their functions are defined.
local gate = chan()
local function worker() receive(gate) end
local first, second = go(worker), go(worker)
assert(type(first) == "number" and first ~= second)
local names = get_goroutines()
assert(names[first]:find("goroutine_names.lua:3$") and names[second] == names[first])
local count = 0
for _ in pairs(names) do count = count + 1 end
assert(count == 3 and check_memory().goroutines == 3)
close_channel(gate)
wait()
assert(get_goroutines()[first] == nil)

-- timers are named after the place of their creation, even after a failure
on_error(function() end)
local timers = {
  set_timeout(worker, 60),
  set_interval(function() error("again") end, 0.001),
  cron("@every 60s", print),
}
sleep(0.02)
local places = {}
for _, name in pairs(get_goroutines()) do places[name:match("%d+$")] = true end
assert(places["18"] and places["19"] and places["20"])
clear_timeout(timers[1])
clear_interval(timers[2])
clear_cron(timers[3])
