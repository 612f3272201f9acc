-- A million live coroutines.
-- options: -timeout 0
-- whole slices: ten million instructions take too long with a budget of 1
local many = {}
for i = 1, 1e6 do many[i] = coroutine.create(function(x) return coroutine.yield(x) end) end
for i = 1, 1e6, 1000 do assert(select(2, coroutine.resume(many[i], i)) == i) end
collectgarbage()
for i = 1, 1e6, 1000 do assert(coroutine.resume(many[i])) end
assert(coroutine.status(many[1]) == "dead" and coroutine.status(many[2]) == "suspended")
