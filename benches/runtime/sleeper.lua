-- A goroutine that sleeps a millisecond repeatedly while another one never stops computing.
local COUNT = 2000
local computing = true
go(function() while computing do end end)
local lateness = {}
for i = 1, COUNT do
  local due = now() + 0.001
  sleep(0.001)
  lateness[i] = now() - due
end
computing = false
table.sort(lateness)
figure("median lateness, ms", lateness[COUNT / 2] * 1000)
figure("99th percentile of lateness, ms", lateness[COUNT * 0.99] * 1000)
