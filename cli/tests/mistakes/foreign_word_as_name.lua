local from = 2
if from = 3 then
  print(from)
end
