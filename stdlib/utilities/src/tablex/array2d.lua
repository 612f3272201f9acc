-- Two-dimensional arrays: lists of rows, with the fields `rows` and `cols`.

-- Returns the array and its numbers of rows and columns. Any list of rows of the same length is an
-- array.
local function check_array(name, array)
  check("table", 1, name, array)
  local rows, first = array.rows or #array, array[1]
  if first ~= nil and type(first) ~= "table" then
    wrong(1, name, "two-dimensional array expected, got a list")
  end
  return rows, array.cols or (first and #first or 0)
end

local function check_place(name, array, row, column)
  local rows, columns = check_array(name, array)
  check("number", 2, name, row)
  check("number", 3, name, column)
  if not is_index(row, rows) then
    wrong(2, name, string.format("row %s of %d is out of bounds", tostring(row), rows))
  end
  if not is_index(column, columns) then
    wrong(3, name, string.format("column %s of %d is out of bounds", tostring(column), columns))
  end
end

function tablex.array2d_new(rows, columns, initial)
  rows = check_count(1, "array2d_new", rows)
  columns = check_count(2, "array2d_new", columns)
  if rows < 0 then wrong(1, "array2d_new", "number of rows must not be negative") end
  if columns < 0 then wrong(2, "array2d_new", "number of columns must not be negative") end
  local array = { rows = rows, cols = columns }
  for i = 1, rows do
    local row = {}
    if initial ~= nil then
      for j = 1, columns do
        row[j] = initial
      end
    end
    array[i] = row
  end
  return array
end

function tablex.array2d_get(array, row, column)
  check_place("array2d_get", array, row, column)
  return array[row][column]
end

function tablex.array2d_set(array, row, column, value)
  check_place("array2d_set", array, row, column)
  array[row][column] = value
end

function tablex.array2d_map(array, f)
  local rows, columns = check_array("array2d_map", array)
  check_callable(2, "array2d_map", f)
  local result = { rows = rows, cols = columns }
  for i = 1, rows do
    local row = {}
    for j = 1, columns do
      row[j] = f(array[i][j], i, j)
    end
    result[i] = row
  end
  return result
end

function tablex.array2d_filter(array, f)
  local rows, columns = check_array("array2d_filter", array)
  check_callable(2, "array2d_filter", f)
  local result = {}
  for i = 1, rows do
    local row = {}
    for j = 1, columns do
      local value = array[i][j]
      if f(value, i, j) then row[#row + 1] = value end
    end
    if #row > 0 then result[#result + 1] = row end
  end
  return result
end

function tablex.array2d_transpose(array)
  local rows, columns = check_array("array2d_transpose", array)
  local result = { rows = columns, cols = rows }
  for j = 1, columns do
    local row = {}
    for i = 1, rows do
      row[i] = array[i][j]
    end
    result[j] = row
  end
  return result
end
