-- stdout: a	nil	deadlock
-- Two workers wait for each other; the one that has waited longest is woken, which frees the other.
chan("a")
chan("b")
go(function()
  print("a", receive("a"))
  send("b", "from a")
end)
go(function()
  assert(receive("b") == "from a")
  print("b is free")
end)
wait()
