-- Loops over bytes: checksums, an FNV-like hash, Caesar ciphers with string.byte and string.char,
-- hexadecimal text.
local rounds = tonumber(arg and arg[1]) or 150

local byte, char, format = string.byte, string.char, string.format

local function adler(s)
  local a, b = 1, 0
  for i = 1, #s do
    a = (a + byte(s, i)) % 65521
    b = (b + a) % 65521
  end
  return b * 65536 + a
end

local function hash(s)
  local h = 5381
  for i = 1, #s do h = (h * 33 + byte(s, i)) % 4294967296 end
  return h
end

local function rotate(s, by)
  local out = {}
  for i = 1, #s do
    local c = byte(s, i)
    if c >= 97 and c <= 122 then c = (c - 97 + by) % 26 + 97 end
    out[i] = char(c)
  end
  return table.concat(out)
end

local function hexadecimal(s)
  local out = {}
  for i = 1, #s, 8 do
    local piece = { byte(s, i, i + 7) }
    for j = 1, #piece do piece[j] = format("%02x", piece[j]) end
    out[#out + 1] = table.concat(piece)
  end
  return table.concat(out)
end

local lines = {}
for i = 1, 200 do
  lines[i] = format("line %d of the text, with some letters: %s", i,
    rotate("abcdefghijklmnopqrstuvwxyz", i))
end
local text = table.concat(lines, "\n")

local checksum = 0
for round = 1, rounds do
  local rotated = rotate(text, round)
  checksum = (checksum + adler(rotated) + hash(rotated)) % 1000000007
  checksum = (checksum + hash(hexadecimal(rotated))) % 1000000007
  for i = 1, #text, 3 do
    local piece = text:sub(i, i + 5)
    if piece < "m" then checksum = checksum + 1 end
  end
end
print(format("%d", checksum))
