-- stdout: 84
-- The worker of the README: it waits for further jobs when the main chunk has ended, and gets nil.
chan("numbers", 5)
chan("results", 5)
go(function()
  while true do
    local num = receive("numbers")
    if num == nil then break end
    send("results", num * 2)
  end
end)
send("numbers", 42)
print((receive("results")))
