-- Building strings: appending in a loop, table.concat, many small pieces, reversing and repeating.
local rounds = tonumber(arg and arg[1]) or 200

local function csv_line(row)
  local line = ""
  for column = 1, 12 do
    if column > 1 then line = line .. "," end
    line = line .. "r" .. row .. "c" .. column
  end
  return line
end

local function indent(depth) return ("  "):rep(depth) end

local function to_text(node, depth, out)
  out[#out + 1] = indent(depth) .. "<" .. node.name .. ' id="' .. node.id .. '">\n'
  for _, child in ipairs(node) do to_text(child, depth + 1, out) end
  out[#out + 1] = indent(depth) .. "</" .. node.name .. ">\n"
end

local function tree(depth, id)
  local node = { name = "node" .. depth, id = id }
  if depth > 0 then
    for i = 1, 3 do node[i] = tree(depth - 1, id * 3 + i) end
  end
  return node
end

local length, checksum = 0, 0
for round = 1, rounds do
  local lines = {}
  for row = 1, 300 do lines[row] = csv_line(row * round) end
  local document = table.concat(lines, "\n")

  local text = ""
  for i = 1, 2000 do text = text .. string.char(97 + (i * round) % 26) end

  local out = {}
  to_text(tree(6, round), 0, out)
  local xml = table.concat(out)

  length = length + #document + #text + #xml
  checksum = (checksum * 31 + xml:byte(#xml - round) + text:reverse():byte(round)
    + document:byte(-round)) % 1000003
end
print(string.format("%d %d", length, checksum))
