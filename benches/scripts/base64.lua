-- Base64 in plain Lua, arithmetic instead of bit operations: one version by tables, one by gsub
-- with callbacks.
local rounds = tonumber(arg and arg[1]) or 450

local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local letters, values = {}, {}
for i = 1, 64 do
  letters[i - 1] = alphabet:sub(i, i)
  values[alphabet:byte(i)] = i - 1
end
local floor, char = math.floor, string.char

local function encode(s)
  local out, n = {}, 0
  for i = 1, #s - 2, 3 do
    local a, b, c = s:byte(i, i + 2)
    local word = a * 65536 + b * 256 + c
    out[n + 1] = letters[floor(word / 262144)]
    out[n + 2] = letters[floor(word / 4096) % 64]
    out[n + 3] = letters[floor(word / 64) % 64]
    out[n + 4] = letters[word % 64]
    n = n + 4
  end
  local left = #s % 3
  if left == 1 then
    local word = s:byte(-1) * 16
    out[n + 1] = letters[floor(word / 64)] .. letters[word % 64] .. "=="
  elseif left == 2 then
    local a, b = s:byte(-2, -1)
    local word = (a * 256 + b) * 4
    out[n + 1] = letters[floor(word / 4096)] .. letters[floor(word / 64) % 64]
      .. letters[word % 64] .. "="
  end
  return table.concat(out)
end

local function decode(s)
  local out = {}
  for i = 1, #s, 4 do
    local a, b, c, d = s:byte(i, i + 3)
    local word = values[a] * 262144 + values[b] * 4096 + (values[c] or 0) * 64 + (values[d] or 0)
    local bytes = char(floor(word / 65536), floor(word / 256) % 256, word % 256)
    out[#out + 1] = d == 61 and bytes:sub(1, c == 61 and 1 or 2) or bytes
  end
  return table.concat(out)
end

local function encode_by_gsub(s)
  local padding = ({ "", "==", "=" })[#s % 3 + 1]
  local text = (s .. ("\1"):rep(#padding)):gsub("(.)(.)(.)", function(a, b, c)
    local word = a:byte() * 65536 + b:byte() * 256 + c:byte()
    return letters[floor(word / 262144)] .. letters[floor(word / 4096) % 64]
      .. letters[floor(word / 64) % 64] .. letters[word % 64]
  end)
  return text:sub(1, #text - #padding), padding
end

local checksum, length = 0, 0
for round = 1, rounds do
  local bytes = {}
  for i = 1, 6000 + round % 3 do bytes[i] = char((i * round + i % 17) % 255 + 1) end
  local data = table.concat(bytes)
  local text = encode(data)
  if decode(text) ~= data then error("the data was not restored") end
  local other, padding = encode_by_gsub(data)
  if #other + #padding ~= #text or other:sub(1, 5000) ~= text:sub(1, 5000) then
    error("the versions differ")
  end
  length = length + #text
  for i = 1, #text, 11 do checksum = (checksum * 31 + text:byte(i)) % 1000003 end
end
print(string.format("%d %d", length, checksum))
