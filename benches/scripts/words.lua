-- Counting parts of text: fragments of 1 to 8 letters in a random sequence, then words, then
-- anagrams.
local size = (tonumber(arg and arg[1]) or 900) * 1000

local seed = 42
local function random(n)
  seed = (seed * 3877 + 29573) % 139968
  return math.floor(seed * n / 139968)
end

local letters, parts = { "G", "A", "T", "C" }, {}
for i = 1, size do parts[i] = letters[random(4) + 1] end
local sequence = table.concat(parts)

local function count(length)
  local counts = {}
  for i = 1, #sequence - length + 1 do
    local piece = sequence:sub(i, i + length - 1)
    counts[piece] = (counts[piece] or 0) + 1
  end
  return counts
end

local function report(counts)
  local list, total = {}, 0
  for piece, n in pairs(counts) do
    list[#list + 1] = piece
    total = total + n
  end
  table.sort(list, function(a, b)
    return counts[a] > counts[b] or counts[a] == counts[b] and a < b
  end)
  return #list, list[1], counts[list[1]], list[#list], total
end

for _, length in ipairs({ 1, 2, 4, 8 }) do
  print(string.format("%d: %d pieces, %s %d, %s, %d", length, report(count(length))))
end

local words = {}
for word in sequence:gmatch("G([ATC]+)") do words[word] = (words[word] or 0) + 1 end
local groups, anagrams = {}, 0
for word in pairs(words) do
  local sorted = {}
  for i = 1, #word do sorted[i] = word:sub(i, i) end
  table.sort(sorted)
  local key = table.concat(sorted)
  groups[key] = (groups[key] or 0) + 1
  if groups[key] > 1 then anagrams = anagrams + 1 end
end
local kinds, most, times, least, total = report(words)
print(string.format("words: %d, %s %d, %s, %d; %d anagrams", kinds, most, times, least, total,
  anagrams))
