-- Numeric kernel: matrices as tables of rows: multiplication, transposition, Gauss elimination.
local n = (tonumber(arg and arg[1]) or 32) * 10

local function generate(seed)
  local m = {}
  for i = 1, n do
    local row = {}
    for j = 1, n do
      seed = (seed * 16807) % 2147483647
      row[j] = seed / 2147483647 + (i == j and n or 0)
    end
    m[i] = row
  end
  return m
end
local function transpose(m)
  local t = {}
  for i = 1, n do
    local row = {}
    for j = 1, n do row[j] = m[j][i] end
    t[i] = row
  end
  return t
end
local function multiply(a, b)
  local columns, product = transpose(b), {}
  for i = 1, n do
    local left, row = a[i], {}
    for j = 1, n do
      local right, sum = columns[j], 0
      for k = 1, n do sum = sum + left[k] * right[k] end
      row[j] = sum
    end
    product[i] = row
  end
  return product
end
local function determinant_log(m)
  local log = 0
  for column = 1, n do
    local pivot = m[column][column]
    log = log + math.log(math.abs(pivot))
    for i = column + 1, n do
      local row, source = m[i], m[column]
      local factor = row[column] / pivot
      for j = column, n do row[j] = row[j] - factor * source[j] end
    end
  end
  return log
end

local a, b = generate(1), generate(2)
local product = multiply(a, b)
local trace = 0
for i = 1, n do trace = trace + product[i][i] end
print(string.format("%.4f %.4f", trace, determinant_log(product)))
