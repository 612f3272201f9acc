-- A compressor in the manner of bzip2, and its inverse: the Burrows-Wheeler transform of blocks,
-- move to front, runs of zeros, canonical Huffman codes, and bits packed into bytes. Several kinds
-- of data are compressed, unpacked and compared; a damaged copy of each must be refused.

local size = tonumber(arg and arg[1]) or 28
local BLOCK = 3000

local byte, char, floor = string.byte, string.char, math.floor
local concat, sort, insert = table.concat, table.sort, table.insert

------------------------------------------------------------------------------------------------
-- Bits
------------------------------------------------------------------------------------------------

local function bit_writer()
  local pieces, count = {}, 0
  local current, free = 0, 8
  local writer = {}

  function writer.put(value, width)
    while width > 0 do
      local take = width < free and width or free
      local shift = 2 ^ (width - take)
      local high = floor(value / shift)
      value = value - high * shift
      current = current * 2 ^ take + high
      free = free - take
      width = width - take
      if free == 0 then
        count = count + 1
        pieces[count] = char(current)
        current, free = 0, 8
      end
    end
  end

  function writer.finish()
    if free < 8 then writer.put(0, free) end
    return concat(pieces)
  end

  return writer
end

local function bit_reader(data)
  local at, current, left = 1, 0, 0
  return function(width)
    local value = 0
    while width > 0 do
      if left == 0 then
        current = byte(data, at)
        if not current then error("unexpected end of data", 0) end
        at, left = at + 1, 8
      end
      local take = width < left and width or left
      local shift = 2 ^ (left - take)
      local high = floor(current / shift)
      current = current - high * shift
      value = value * 2 ^ take + high
      left = left - take
      width = width - take
    end
    return value
  end
end

------------------------------------------------------------------------------------------------
-- The transform: ranks of rotations, compared at distances that double
------------------------------------------------------------------------------------------------

local function sort_rotations(text)
  local n = #text
  local order, rank, fresh = {}, {}, {}
  for i = 1, n do
    order[i] = i
    rank[i] = byte(text, i)
  end

  -- Most positions are distinguished by their first four bytes.
  local key = {}
  local doubled = text .. text
  while #doubled < n + 4 do doubled = doubled .. text end
  for i = 1, n do
    local a, b, c, d = byte(doubled, i, i + 3)
    key[i] = ((a * 256 + b) * 256 + c) * 256 + d
  end
  sort(order, function(i, j)
    local a, b = key[i], key[j]
    if a ~= b then return a < b end
    return i < j
  end)

  local function number_classes(same)
    local class = 1
    fresh[order[1]] = 1
    for i = 2, n do
      if not same(order[i - 1], order[i]) then class = class + 1 end
      fresh[order[i]] = class
    end
    rank, fresh = fresh, rank
    return class
  end

  local classes = number_classes(function(i, j) return key[i] == key[j] end)
  local distance = 4
  while classes < n and distance < n do
    local function ahead(i)
      i = i + distance
      if i > n then i = i - n end
      return rank[i]
    end
    for i = 1, n do key[i] = rank[i] * (n + 1) + ahead(i) end
    -- Only positions within one class change places.
    local first = 1
    while first <= n do
      local class, last = rank[order[first]], first
      while last < n and rank[order[last + 1]] == class do last = last + 1 end
      if last > first then
        local group = {}
        for i = first, last do group[i - first + 1] = order[i] end
        sort(group, function(i, j)
          local a, b = key[i], key[j]
          if a ~= b then return a < b end
          return i < j
        end)
        for i = first, last do order[i] = group[i - first + 1] end
      end
      first = last + 1
    end
    classes = number_classes(function(i, j) return key[i] == key[j] end)
    distance = distance * 2
  end
  return order
end

local function transform(text)
  local order, last, start = sort_rotations(text), {}, nil
  local n = #text
  for i = 1, n do
    local position = order[i]
    if position == 1 then
      start = i
      position = n + 1
    end
    last[i] = byte(text, position - 1)
  end
  return last, start
end

local function inverse_transform(last, start)
  local n = #last
  local counts, base = {}, {}
  for value = 0, 255 do counts[value] = 0 end
  for i = 1, n do counts[last[i]] = counts[last[i]] + 1 end
  local sum = 1
  for value = 0, 255 do
    base[value] = sum
    sum = sum + counts[value]
  end
  local follows = {}
  for i = 1, n do
    local value = last[i]
    follows[base[value]] = i
    base[value] = base[value] + 1
  end
  local out, at = {}, follows[start]
  for i = 1, n do
    out[i] = char(last[at])
    at = follows[at]
  end
  return concat(out)
end

------------------------------------------------------------------------------------------------
-- Move to front. The symbols 0 and 1 are the digits of lengths of runs of zeros, in the bijective
-- numeration of base two; any other symbol is a position plus one; the last one ends the block.
------------------------------------------------------------------------------------------------

local END = 257

local function to_symbols(bytes)
  local front, symbols = {}, {}
  for value = 0, 255 do front[value + 1] = value end
  local zeros = 0
  local function flush()
    while zeros > 0 do
      local digit = (zeros - 1) % 2
      symbols[#symbols + 1] = digit
      zeros = (zeros - 1 - digit) / 2
    end
  end
  for i = 1, #bytes do
    local value = bytes[i]
    if front[1] == value then
      zeros = zeros + 1
    else
      flush()
      local at = 2
      while front[at] ~= value do at = at + 1 end
      for j = at, 2, -1 do front[j] = front[j - 1] end
      front[1] = value
      symbols[#symbols + 1] = at
    end
  end
  flush()
  symbols[#symbols + 1] = END
  return symbols
end

local function from_symbols(next_symbol)
  local front, bytes = {}, {}
  for value = 0, 255 do insert(front, value) end
  local run, weight = 0, 1
  while true do
    local symbol = next_symbol()
    if symbol < 2 then
      run = run + (symbol + 1) * weight
      weight = weight * 2
    else
      if run > BLOCK then error("run too long", 0) end
      for _ = 1, run do bytes[#bytes + 1] = front[1] end
      run, weight = 0, 1
      if symbol == END then return bytes end
      local value = table.remove(front, symbol)
      insert(front, 1, value)
      bytes[#bytes + 1] = value
    end
  end
end

------------------------------------------------------------------------------------------------
-- Huffman codes
------------------------------------------------------------------------------------------------

local function code_lengths(frequencies)
  local nodes = {}
  for symbol = 0, END do
    local weight = frequencies[symbol]
    if weight then insert(nodes, { weight = weight, id = symbol }) end
  end
  local function lighter(a, b)
    if a.weight ~= b.weight then return a.weight < b.weight end
    return a.id < b.id
  end
  sort(nodes, lighter)
  local lengths = {}
  if #nodes == 1 then
    lengths[nodes[1].id] = 1
    return lengths
  end
  -- Two queues: the leaves in order, and the joined nodes, which appear in order by themselves.
  local joined, leaf, inner, id = {}, 1, 1, END
  local function lightest()
    local a, b = nodes[leaf], joined[inner]
    if a and (not b or a.weight <= b.weight) then
      leaf = leaf + 1
      return a
    end
    inner = inner + 1
    return b
  end
  for _ = 1, #nodes - 1 do
    local a, b = lightest(), lightest()
    id = id + 1
    insert(joined, { weight = a.weight + b.weight, id = id, a, b })
  end
  local function descend(node, depth)
    if node[1] then
      descend(node[1], depth + 1)
      descend(node[2], depth + 1)
    else
      lengths[node.id] = depth
    end
  end
  descend(joined[#joined], 0)
  return lengths
end

-- The codes follow from the lengths: shorter codes first, equal ones by their symbols.
local function canonical(lengths)
  local sorted, codes = {}, {}
  for symbol = 0, END do
    if lengths[symbol] then insert(sorted, symbol) end
  end
  sort(sorted, function(a, b)
    if lengths[a] ~= lengths[b] then return lengths[a] < lengths[b] end
    return a < b
  end)
  local code, previous = 0, 0
  for _, symbol in ipairs(sorted) do
    code = code * 2 ^ (lengths[symbol] - previous)
    previous = lengths[symbol]
    codes[symbol] = code
    code = code + 1
  end
  return codes, sorted
end

local function write_block(writer, text)
  local last, start = transform(text)
  local symbols = to_symbols(last)
  local frequencies = {}
  for _, symbol in ipairs(symbols) do frequencies[symbol] = (frequencies[symbol] or 0) + 1 end
  local lengths = code_lengths(frequencies)
  local codes = canonical(lengths)
  writer.put(1, 1)
  writer.put(start, 16)
  for symbol = 0, END do writer.put(lengths[symbol] or 0, 5) end
  for i = 1, #symbols do
    local symbol = symbols[i]
    writer.put(codes[symbol], lengths[symbol])
  end
end

local function read_block(read)
  local start, lengths = read(16), {}
  for symbol = 0, END do
    local length = read(5)
    if length > 0 then lengths[symbol] = length end
  end
  local codes, sorted = canonical(lengths)
  if #sorted == 0 then error("no codes", 0) end
  local by_length = {}
  for _, symbol in ipairs(sorted) do
    local length = lengths[symbol]
    by_length[length] = by_length[length] or {}
    by_length[length][codes[symbol]] = symbol
  end
  local bytes = from_symbols(function()
    local code = 0
    for length = 1, 31 do
      code = code * 2 + read(1)
      local group = by_length[length]
      local symbol = group and group[code]
      if symbol then return symbol end
    end
    error("unknown code", 0)
  end)
  if start < 1 or start > #bytes then error("bad start of a block", 0) end
  return inverse_transform(bytes, start)
end

local function adler(text)
  local a, b = 1, 0
  for i = 1, #text do
    a = (a + byte(text, i)) % 65521
    b = (b + a) % 65521
  end
  return b, a
end

local function compress(text)
  local writer = bit_writer()
  for at = 1, #text, BLOCK do write_block(writer, text:sub(at, at + BLOCK - 1)) end
  writer.put(0, 1)
  local high, low = adler(text)
  writer.put(high, 16)
  writer.put(low, 16)
  return writer.finish()
end

local function expand(data)
  local read, blocks = bit_reader(data), {}
  while read(1) == 1 do insert(blocks, read_block(read)) end
  local text = concat(blocks)
  local high, low = adler(text)
  if read(16) ~= high or read(16) ~= low then error("checksum differs", 0) end
  return text
end

------------------------------------------------------------------------------------------------
-- Data
------------------------------------------------------------------------------------------------

local seed = 99
local function random(n)
  seed = (seed * 16807) % 2147483647
  return seed % n
end

local kinds = {
  { "prose", function()
    local words = { "block", "sorting", "brings", "equal", "contexts", "together", "so", "that",
      "the", "letters", "before", "them", "repeat", "and", "the", "codes", "are", "short", "and" }
    return words[random(#words) + 1] .. (random(9) == 0 and ".\n" or " ")
  end },
  { "records", function()
    return ("%05d;%s;%.2f\n"):format(random(3000), ("xyz"):rep(random(3)), random(10000) / 100)
  end },
  { "runs", function() return char(97 + random(3)):rep(random(200) + 1) end },
  { "noise", function() return char(random(256), random(256), random(256)) end },
}

local totals = {}
for round = 1, size do
  for index, kind in ipairs(kinds) do
    local parts, length, wanted = {}, 0, index == 4 and 400 or 1200 + random(200)
    while length < wanted do
      local part = kind[2]()
      parts[#parts + 1] = part
      length = length + #part
    end
    local text = concat(parts)
    local data = compress(text)
    assert(expand(data) == text, kind[1] .. " differs in round " .. round)

    local total = totals[index] or { plain = 0, packed = 0, refused = 0, sum = 0 }
    totals[index] = total
    local spot = #data - 5 - random(8)
    local damaged = data:sub(1, spot) .. char((byte(data, spot + 1) + 77) % 256)
      .. data:sub(spot + 2)
    if not pcall(expand, damaged) then total.refused = total.refused + 1 end
    total.plain = total.plain + #text
    total.packed = total.packed + #data
    local high, low = adler(data)
    total.sum = (total.sum * 31 + high * 65536 + low) % 1000000007
  end
end
for index, kind in ipairs(kinds) do
  local total = totals[index]
  print(("%-8s %7d bytes to %6d (%5.1f%%), %d of %d damaged refused, checksum %d"):format(kind[1],
    total.plain, total.packed, 100 * total.packed / total.plain, total.refused, size, total.sum))
end
