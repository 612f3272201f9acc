local x = 5
if x = 5 then
  print('five')
end
