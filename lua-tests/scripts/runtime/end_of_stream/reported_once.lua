-- stdout: main	nil	closed
-- A goroutine gets a channel's end once; calling again ends it, even inside pcall, main chunk
-- included, without an error.
on_error(function() print("no error is due") end)
local closed = chan("closed", 2)
send(closed, 1)
close_channel(closed)
local seen = {}
go(function()
  pcall(function()
    while true do seen[#seen + 1] = tostring(receive("closed")) end
  end)
  seen[#seen + 1] = "never"
end)
wait()
assert(table.concat(seen, " ") == "1 nil", table.concat(seen, " "))

-- one that was waiting when it was closed has got it, too
local waiting = chan()
local ends = 0
go(function()
  assert(select("#", receive(waiting)) == 2)
  ends = ends + 1
  receive(waiting)
  ends = ends + 1
end)
go(function() close_channel(waiting) end)
wait()
assert(ends == 1)

print("main", receive(closed))
receive(closed)
print("never reached")
os.exit(3)
