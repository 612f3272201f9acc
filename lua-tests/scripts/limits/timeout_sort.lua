-- The time limit ends a sort with a slow comparator.
-- options: -timeout 300ms
-- exit: 124
local t = {}
for i = 1, 1e6 do t[i] = i % 1000 end
table.sort(t, function(a, b) for _ = 1, 100 do end return a < b end)
