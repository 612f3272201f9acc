-- A million goroutines, all blocked on one channel; then joined.
local COUNT = 1e6
local gate, started, passed = chan(), 0, 0
local begin = now()
for _ = 1, COUNT do
  go(function()
    started = started + 1
    receive(gate)
    passed = passed + 1
  end)
end
while started < COUNT do sleep(0) end
figure("spawned and blocked, s", now() - begin)
close_channel(gate)
wait()
assert(passed == COUNT)
figure("spawned and joined, s", now() - begin)
figure("peak memory, MiB", peak_memory() / 2 ^ 20)
figure("peak memory per goroutine, bytes", peak_memory() / COUNT)
