-- Formats tables as text, and reads them.

-- Maximum length of lists of numbers and short strings on one line.
local LINE = 72

local WORDS = {}
local KEYWORDS = "and break do else elseif end false for function goto if in local nil not or "
  .. "repeat return then true until while"
for word in string.gmatch(KEYWORDS, "%a+") do
  WORDS[word] = true
end

local function text_of(value)
  local kind = type(value)
  if kind == "string" then
    return (string.gsub(string.format("%q", value), "\\\n", "\\n"))
  elseif kind == "number" then
    if value ~= value then return "0/0" end
    if value == math.huge then return "1/0" end
    if value == -math.huge then return "-1/0" end
    local short = string.format("%.14g", value)
    return tonumber(short) == value and short or string.format("%.17g", value)
  elseif kind == "nil" or kind == "boolean" then
    return tostring(value)
  end
  return "<" .. tostring(value) .. ">"
end

local function key_text(key)
  if type(key) == "string" and string.find(key, "^[%a_][%w_]*$") and not WORDS[key] then
    return key
  end
  return "[" .. text_of(key) .. "]"
end

-- Numbers before strings before all others, each in order.
local RANKS = { number = 1, string = 2 }
local function is_before(a, b)
  local p, q = RANKS[type(a)] or 3, RANKS[type(b)] or 3
  if p ~= q then return p < q end
  if p < 3 then return a < b end
  return tostring(a) < tostring(b)
end

local function has_text(value)
  local metatable = getmetatable(value)
  return type(metatable) == "table" and metatable.__tostring
end

-- Appends to the list `out`. It is recursive: tables that are nested deeper than Lua can call are
-- an error, "stack overflow".
local function write(out, value, indent, before, on_the_way)
  if type(value) ~= "table" then
    out[#out + 1] = text_of(value)
    return
  end
  if on_the_way[value] then
    out[#out + 1] = "<cycle>"
    return
  end
  if has_text(value) then
    out[#out + 1] = "<" .. tostring(value) .. ">"
    return
  end
  local length, others, is_flat = #value, {}, true
  for key, item in next, value do
    if not is_index(key, length) then others[#others + 1] = key end
    is_flat = is_flat and type(item) ~= "table"
  end
  if length == 0 and #others == 0 then
    out[#out + 1] = "{}"
    return
  end
  table.sort(others, is_before)
  on_the_way[value] = true
  local inner = before .. indent
  local begin = #out + 1
  out[begin] = "{\n"
  for i = 1, length do
    out[#out + 1] = inner
    write(out, value[i], indent, inner, on_the_way)
    out[#out + 1] = ",\n"
  end
  for _, key in ipairs(others) do
    out[#out + 1] = inner .. key_text(key) .. " = "
    write(out, value[key], indent, inner, on_the_way)
    out[#out + 1] = ",\n"
  end
  out[#out + 1] = before .. "}"
  on_the_way[value] = nil
  if is_flat and #others == 0 then
    -- It may fit on one line.
    local items, size = {}, 2
    for i = 1, length do
      items[i] = out[begin + 3 * i - 1]
      size = size + #items[i] + 2
      if size > LINE then return end
    end
    for i = #out, begin, -1 do
      out[i] = nil
    end
    out[begin] = "{" .. table.concat(items, ", ") .. "}"
  end
end

function tablex.pretty(value, indent)
  if indent == nil then indent = 2 end
  if type(indent) == "number" then
    indent = string.rep(" ", math.max(0, indent))
  else
    check("string", 2, "pretty", indent)
  end
  local out = {}
  write(out, value, indent, "", {})
  return table.concat(out)
end

-- Runs a text that contains a table, without globals.
local function read(text, name)
  -- An expression, or a chunk that returns one
  local chunk, message = load("return " .. text, name, "t", {})
  chunk = chunk or load(text, name, "t", {})
  if not chunk then return nil, message end
  local ok, result = pcall(chunk)
  if not ok then return nil, result end
  if type(result) ~= "table" then return nil, "table expected, got " .. type(result) end
  return result
end

function tablex.load(text)
  return read(check("string", 1, "load", text), "=table")
end

function tablex.loadfile(path)
  local text, message = read_file(check("string", 1, "loadfile", path))
  if not text then return nil, message end
  return read(text, "@" .. path)
end
