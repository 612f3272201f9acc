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
