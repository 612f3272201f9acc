-- stdout: twice
-- A worker that ignores the result is ended when it is chosen again, even inside pcall.
chan("jobs")
local count = 0
go(function()
  while true do
    pcall(function() receive("jobs") count = count + 1 end)
  end
end)
wait()
assert(count == 1)
print("twice")
