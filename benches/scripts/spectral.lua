-- Numeric kernel: the spectral norm of an infinite matrix, by the power method.
local n = (tonumber(arg and arg[1]) or 60) * 10

local function element(i, j)
  local sum = i + j
  return 1 / (sum * (sum + 1) / 2 + i + 1)
end
local function times(v, out, at)
  for i = 0, n - 1 do
    local sum = 0
    for j = 0, n - 1 do sum = sum + at(i, j) * v[j + 1] end
    out[i + 1] = sum
  end
end
local function transposed(i, j) return element(j, i) end

local u, v, w = {}, {}, {}
for i = 1, n do u[i] = 1 end
for _ = 1, 10 do
  times(u, w, element)
  times(w, v, transposed)
  times(v, w, element)
  times(w, u, transposed)
end
local dot, square = 0, 0
for i = 1, n do
  dot = dot + u[i] * v[i]
  square = square + v[i] * v[i]
end
print(string.format("%.9f", math.sqrt(dot / square)))
