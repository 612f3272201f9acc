-- A hundred thousand pending timers whose times come within a second; how late the functions are
-- called.
local COUNT = 1e5
local lateness, begin = {}, now() + 1
for i = 1, COUNT do
  local due = begin + i / COUNT
  set_timeout(function() lateness[#lateness + 1] = now() - due end, due - now())
end
figure("time to set them, s", now() + 1 - begin)
while #lateness < COUNT do sleep(0.1) end
table.sort(lateness)
figure("median lateness, ms", lateness[COUNT / 2] * 1000)
figure("worst lateness, ms", lateness[COUNT] * 1000)
