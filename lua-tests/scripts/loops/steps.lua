-- Numeric loops whose step is not a constant: up, down, with fractions, at the limits of integers.
local function visited(from, to, step)
  local count, sum, last = 0, 0, nil
  for i = from, to, step do
    count, sum, last = count + 1, sum + i, i
    if count == 500 then break end
  end
  return count, sum, last
end

-- The same by a loop without a step.
local function expected(from, to, step)
  local count, sum, last, i = 0, 0, nil, from
  while (step > 0 and i <= to) or (step <= 0 and i >= to) do
    count, sum, last = count + 1, sum + i, i
    if count == 500 then break end
    i = i + step
  end
  return count, sum, last
end

local function check(from, to, step)
  local count, sum, last = visited(from, to, step)
  local wanted, total, final = expected(from, to, step)
  assert(count == wanted and sum == total and last == final,
    ("for %g, %g, %g"):format(from, to, step))
end

local edge = 2 ^ 31
local steps = { 1, 2, 3, 7, 100, -1, -2, -7, -100, 0.5, -0.25, 1.5, edge, -edge, edge + 1, 2 ^ 40 }
local starts = { 0, 1, -5, 300, 0.25, edge - 10, edge, -edge, -edge - 3, 2 ^ 52 }
for round = 1, 3 do
  for _, step in ipairs(steps) do
    for _, from in ipairs(starts) do
      for _, distance in ipairs { 0, 1, 299, 300.5, 1000, edge } do
        check(from, from + distance, step)
        check(from, from - distance, step)
      end
    end
  end
  check(1, 1 / 0, 2)
  check(1, -1 / 0, -2)
  check(-1 / 0, 5, 1)
  check(5, 0 / 0, 1)
end

-- One loop after the other with steps of either sign, so that each has to find its version.
local marks = {}
for i = 2, 60 do
  for j = i * i, 3600, i do marks[j] = true end
end
local composites = 0
for i = 1, 3600 do composites = composites + (marks[i] and 1 or 0) end
assert(composites == 3600 - 1 - 503)
for i = 60, 2, -1 do
  for j = 3600 - 3600 % i, i * i, -i do marks[j] = nil end
end
assert(next(marks) == nil)

-- The variables of a loop are the loop's own, and a step of 0 goes on.
local rounds = 0
for i = 1, 10, tonumber("0") do
  rounds = rounds + 1
  if rounds == 300 then break end
end
assert(rounds == 0 or rounds == 300)
