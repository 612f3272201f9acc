-- Conway's life on a torus, rows of numbers, and the same on an endless board kept as a set of
-- string keys.
local generations = tonumber(arg and arg[1]) or 800
local width, height = 64, 64

local seed, cells = 7, {}
for y = 1, height do
  cells[y] = {}
  for x = 1, width do
    seed = (seed * 16807) % 2147483647
    cells[y][x] = seed % 3 == 0 and 1 or 0
  end
end

local function step(board)
  local following = {}
  for y = 1, height do
    local above, here, below = board[(y - 2) % height + 1], board[y], board[y % height + 1]
    local row = {}
    for x = 1, width do
      local left, right = (x - 2) % width + 1, x % width + 1
      local around = above[left] + above[x] + above[right] + here[left] + here[right] + below[left]
        + below[x] + below[right]
      row[x] = (around == 3 or around == 2 and here[x] == 1) and 1 or 0
    end
    following[y] = row
  end
  return following
end

for _ = 1, generations do cells = step(cells) end
local alive, checksum = 0, 0
for y = 1, height do
  for x = 1, width do
    alive = alive + cells[y][x]
    checksum = (checksum * 3 + cells[y][x]) % 1000003
  end
end

local function sparse_step(set)
  local counts = {}
  for key in pairs(set) do
    local x, y = key:match("(-?%d+),(-?%d+)")
    for dx = -1, 1 do
      for dy = -1, 1 do
        if dx ~= 0 or dy ~= 0 then
          local near = string.format("%d,%d", x + dx, y + dy)
          counts[near] = (counts[near] or 0) + 1
        end
      end
    end
  end
  local following = {}
  for key, count in pairs(counts) do
    if count == 3 or count == 2 and set[key] then following[key] = true end
  end
  return following
end

-- The R-pentomino.
local set = { ["0,0"] = true, ["1,0"] = true, ["-1,1"] = true, ["0,1"] = true, ["0,2"] = true }
for _ = 1, generations do set = sparse_step(set) end
local population = 0
for _ in pairs(set) do population = population + 1 end
print(string.format("%d %d %d", alive, checksum, population))
