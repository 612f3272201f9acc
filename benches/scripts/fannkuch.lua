-- Numeric kernel on small arrays: pancake flips over all permutations.
local rounds = tonumber(arg and arg[1]) or 3

local function fannkuch(n)
  local permutation, flipped, count = {}, {}, {}
  for i = 1, n do permutation[i] = i end
  local most, sum, sign, level = 0, 0, 1, n + 1
  while true do
    while level > 2 do
      level = level - 1
      count[level] = level
    end
    for i = 1, n do flipped[i] = permutation[i] end
    local flips, first = 0, flipped[1]
    while first ~= 1 do
      local i, j = 1, first
      while i < j do
        flipped[i], flipped[j] = flipped[j], flipped[i]
        i, j = i + 1, j - 1
      end
      flips = flips + 1
      first = flipped[1]
    end
    if flips > most then most = flips end
    sum = sum + sign * flips
    sign = -sign

    level = 2
    local done = false
    while true do
      if level > n then
        done = true
        break
      end
      local moved = permutation[1]
      for i = 1, level - 1 do permutation[i] = permutation[i + 1] end
      permutation[level] = moved
      count[level] = count[level] - 1
      if count[level] > 0 then break end
      level = level + 1
    end
    if done then break end
  end
  return most, sum
end

for round = 1, rounds do
  print(string.format("%d %d", fannkuch(6 + round)))
end
