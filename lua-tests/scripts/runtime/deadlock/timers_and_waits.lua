-- A wait for a timer is not a deadlock; nor is a goroutine's wait() while others run.
local log = {}
chan("later")
go(function() sleep(0.01) wait() log[#log + 1] = "waited" end)
go(function() sleep(0.02) send("later", 1) log[#log + 1] = "sent" end)
assert(receive("later") == 1)
wait()
assert(table.concat(log, " ") == "sent waited", table.concat(log, " "))
