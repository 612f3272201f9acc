-- Backtracking: all placements of n queens, with three tables of attacked lines.
local n = math.min((tonumber(arg and arg[1]) or 12), 12)

local columns, rising, falling, board = {}, {}, {}, {}
local solutions, checksum = 0, 0

local function place(row)
  if row > n then
    solutions = solutions + 1
    for i = 1, n do checksum = (checksum * 31 + board[i]) % 1000003 end
    return
  end
  for column = 1, n do
    local up, down = row + column, row - column + n
    if not (columns[column] or rising[up] or falling[down]) then
      columns[column], rising[up], falling[down] = true, true, true
      board[row] = column
      place(row + 1)
      columns[column], rising[up], falling[down] = false, false, false
    end
  end
end

place(1)
print(string.format("%d %d", solutions, checksum))
