-- A JSON encoder and decoder in plain Lua, run over a nested document.
local rounds = tonumber(arg and arg[1]) or 400

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\t"] = "\\t" }
local unescapes = { ['"'] = '"', ["\\"] = "\\", n = "\n", t = "\t", ["/"] = "/" }

local encode
local function encode_string(s) return '"' .. s:gsub('[%c"\\]', escapes) .. '"' end
local function encode_table(t)
  local parts = {}
  if #t > 0 or next(t) == nil then
    for i = 1, #t do parts[i] = encode(t[i]) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  for i, key in ipairs(keys) do parts[i] = encode_string(key) .. ":" .. encode(t[key]) end
  return "{" .. table.concat(parts, ",") .. "}"
end
function encode(value)
  local kind = type(value)
  if kind == "table" then return encode_table(value) end
  if kind == "string" then return encode_string(value) end
  if kind == "number" then return string.format("%.14g", value) end
  return tostring(value)
end

local decode_value
local function skip(s, at) return s:find("[^ \n\t]", at) or #s + 1 end
local function decode_string(s, at)
  local parts, start = {}, at + 1
  while true do
    local stop = s:find('["\\]', start)
    if not stop then error("unfinished string at " .. at) end
    parts[#parts + 1] = s:sub(start, stop - 1)
    if s:byte(stop) == 34 then return table.concat(parts), stop + 1 end
    parts[#parts + 1] = unescapes[s:sub(stop + 1, stop + 1)]
    start = stop + 2
  end
end
local function decode_array(s, at)
  local list = {}
  at = skip(s, at + 1)
  if s:sub(at, at) == "]" then return list, at + 1 end
  while true do
    list[#list + 1], at = decode_value(s, at)
    at = skip(s, at)
    local mark = s:sub(at, at)
    if mark == "]" then return list, at + 1 end
    if mark ~= "," then error("',' expected at " .. at) end
    at = skip(s, at + 1)
  end
end
local function decode_object(s, at)
  local object = {}
  at = skip(s, at + 1)
  if s:sub(at, at) == "}" then return object, at + 1 end
  while true do
    local key
    key, at = decode_string(s, at)
    at = skip(s, at)
    object[key], at = decode_value(s, skip(s, at + 1))
    at = skip(s, at)
    local mark = s:sub(at, at)
    if mark == "}" then return object, at + 1 end
    if mark ~= "," then error("',' expected at " .. at) end
    at = skip(s, at + 1)
  end
end
function decode_value(s, at)
  local first = s:sub(at, at)
  if first == "{" then return decode_object(s, at) end
  if first == "[" then return decode_array(s, at) end
  if first == '"' then return decode_string(s, at) end
  if s:sub(at, at + 3) == "true" then return true, at + 4 end
  if s:sub(at, at + 4) == "false" then return false, at + 5 end
  local number = s:match("^-?%d+%.?%d*[eE]?[-+]?%d*", at)
  if not number then error("unexpected character at " .. at) end
  return tonumber(number), at + #number
end

local document = {
  title = "A \"quoted\" title\nwith lines", items = {}, flags = { true, false, true }, empty = {},
}
for i = 1, 60 do
  document.items[i] = {
    id = i, name = "item " .. i, price = i * 1.25, tags = { "a" .. i, "b\\" .. i, "c" },
    size = { width = i % 9, height = i % 7, depth = { i, i + 1, i + 2 } }, available = i % 2 == 0,
  }
end

local length, checksum = 0, 0
for round = 1, rounds do
  document.round = round
  local text = encode(document)
  local copy = decode_value(text, 1)
  if encode(copy) ~= text then error("the copy differs") end
  length = length + #text
  checksum = (checksum + copy.items[round % 60 + 1].size.depth[2] * round) % 1000003
end
print(string.format("%d %d", length, checksum))
