do
  ::top::
  local x = 1
  if x then goto top end
  goto bottom
  print(x)
end
::bottom::
for i = 1, 3 do
  local y = i
  if y == 2 then goto continue end
  f(function() return y end)
  ::continue::
end
do
  local k = 0
  ::again::
  local z = k
  f(function() return z end)
  k = k + 1
  if k < 3 then goto again end
end
