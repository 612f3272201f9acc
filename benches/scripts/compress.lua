-- An LZ77-style compressor with a table of recent positions, and its decompressor.
local rounds = tonumber(arg and arg[1]) or 120

local seed = 11
local function random(n)
  seed = (seed * 16807) % 2147483647
  return seed % n
end

local syllables = { "lo", "rem", "ip", "sum", "do", "lor", "sit", "am", "et", " ", " ", ". " }
local function generate(count)
  local out = {}
  for i = 1, count do out[i] = syllables[random(#syllables) + 1] end
  return table.concat(out)
end

local function compress(s)
  local out, seen, literal, at = {}, {}, 1, 1
  local length = #s
  while at + 3 <= length do
    local key = s:sub(at, at + 3)
    local before = seen[key]
    seen[key] = at
    if before and at - before < 65536 then
      local matched = 4
      while matched < 255 and s:byte(before + matched) == s:byte(at + matched) do
        matched = matched + 1
      end
      if at + matched > length + 1 then matched = length + 1 - at end
      while literal < at do
        local stop = math.min(literal + 254, at - 1)
        out[#out + 1] = string.char(0, stop - literal + 1) .. s:sub(literal, stop)
        literal = stop + 1
      end
      local distance = at - before
      out[#out + 1] = string.char(1, matched, math.floor(distance / 256), distance % 256)
      at = at + matched
      literal = at
    else
      at = at + 1
    end
  end
  while literal <= length do
    local stop = math.min(literal + 254, length)
    out[#out + 1] = string.char(0, stop - literal + 1) .. s:sub(literal, stop)
    literal = stop + 1
  end
  return table.concat(out)
end

local function decompress(s)
  local out, at = {}, 1
  while at <= #s do
    local kind, count = s:byte(at, at + 1)
    if kind == 0 then
      for i = at + 2, at + 1 + count do out[#out + 1] = s:byte(i) end
      at = at + 2 + count
    else
      local high, low = s:byte(at + 2, at + 3)
      local from = #out - (high * 256 + low)
      for i = 1, count do out[#out + 1] = out[from + i] end
      at = at + 4
    end
  end
  local parts = {}
  for i = 1, #out, 100 do
    parts[#parts + 1] = string.char((table.unpack or unpack)(out, i, math.min(i + 99, #out)))
  end
  return table.concat(parts)
end

local before, after, checksum = 0, 0, 0
for round = 1, rounds do
  local text = generate(15000)
  local packed = compress(text)
  if decompress(packed) ~= text then error("the text was not restored") end
  before, after = before + #text, after + #packed
  for i = 1, #packed, 97 do checksum = (checksum * 31 + packed:byte(i)) % 1000003 end
end
print(string.format("%d %d %d", before, after, checksum))
