local function area(width, heigth)
  return width * height
end
print(area(2, 3))
