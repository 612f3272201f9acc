-- stdout: idle	deadlock
-- stdout: done
-- Main is in wait() while workers are in receive: each is woken with nil, "deadlock", and the wait
-- continues until they have ended.
chan("jobs")
for _ = 1, 3 do
  go(function()
    while true do
      local job, reason = receive("jobs")
      if job == nil then
        print("idle", reason)
        break
      end
    end
  end)
end
for job = 1, 5 do send("jobs", job) end
wait()
print("done")
