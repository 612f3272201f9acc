-- Numeric kernel: escape times of the Mandelbrot set.
local size = (tonumber(arg and arg[1]) or 110) * 10
local limit = 60

local checksum, inside = 0, 0
for row = 0, size - 1 do
  local ci = 2 * row / size - 1
  for column = 0, size - 1 do
    local cr = 3 * column / size - 2
    local zr, zi, steps = 0, 0, 0
    repeat
      local square_r, square_i = zr * zr, zi * zi
      if square_r + square_i > 4 then break end
      zi = 2 * zr * zi + ci
      zr = square_r - square_i + cr
      steps = steps + 1
    until steps == limit
    if steps == limit then inside = inside + 1 end
    checksum = (checksum * 31 + steps) % 1000003
  end
end
print(string.format("%d %d", inside, checksum))
