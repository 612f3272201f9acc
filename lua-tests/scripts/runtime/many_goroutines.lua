-- whole slices: a hundred thousand goroutines already take long
-- Many goroutines blocked on one channel, woken by closing it; the limit on their number.
-- options: -timeout 60s -max-goroutines 100001
local gate, passed = chan("gate"), 0
for _ = 1, 100000 do go(function() receive("gate") passed = passed + 1 end) end
local ok, message = pcall(go, print)
assert(not ok and message == "too many goroutines (limit 100001)", message)
sleep(0)
close_channel("gate")
wait()
assert(passed == 100000)
