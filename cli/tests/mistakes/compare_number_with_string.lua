local age = '42'
if age > 18 then
  print('adult')
end
