local function sign(x)
  if x > 0 then
    return 1
  else if x < 0 then
    return -1
  end
  return 0
end
print(sign(3))
