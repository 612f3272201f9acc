-- Unbuffered round trips between two goroutines.
local COUNT = 200000
local send, receive = send, receive
local there, back = chan(), chan()
go(function()
  for _ = 1, COUNT do send(back, receive(there)) end
end)
local begin = now()
for i = 1, COUNT do
  send(there, i)
  assert(receive(back) == i)
end
figure("time", now() - begin)
