-- The functions of `utils`. Each is called by a native of the same name; `check` and `wrong` are
-- natives, too, and raise argument errors where that native was called.
local utils = {}

local function text(index, name, value)
  if type(value) == "number" then value = tostring(value) end
  return check("string", index, name, value)
end

-- A character in UTF-8, or an invalid byte
local CHARACTER = "[%z\1-\127\194-\244]?[\128-\191]*"

local function characters(s)
  local parts, position = {}, 1
  while position <= #s do
    local first, last = string.find(s, CHARACTER, position)
    last = math.max(first, last)
    parts[#parts + 1] = string.sub(s, first, last)
    position = last + 1
  end
  return parts
end

function utils.split(s, separator, is_pattern, count)
  s = text(1, "split", s)
  count = count == nil and math.huge or check("number", 4, "split", count)
  if count < 1 then wrong(4, "split", "number of parts must be positive") end
  if separator == nil then
    s, separator, is_pattern = string.match(s, "^%s*(.-)%s*$"), "%s+", true
    if s == "" then return {} end
  end
  separator = text(2, "split", separator)
  if separator == "" then return characters(s) end
  local parts, position = {}, 1
  while #parts + 1 < count do
    local first, last = string.find(s, separator, position, not is_pattern)
    if not first then break end
    if last < first then wrong(2, "split", "pattern matches the empty string") end
    parts[#parts + 1] = string.sub(s, position, first - 1)
    position = last + 1
  end
  parts[#parts + 1] = string.sub(s, position)
  return parts
end

function utils.join(list, separator)
  check("table", 1, "join", list)
  separator = separator == nil and " " or text(2, "join", separator)
  local parts = {}
  for i = 1, #list do
    parts[i] = tostring(list[i])
  end
  return table.concat(parts, separator)
end

function utils.escape(s)
  local escaped = string.gsub(text(1, "escape", s), "[%-%.%+%[%]%(%)%$%^%%%?%*]", "%%%0")
  return (string.gsub(escaped, "%z", "%%z"))
end

function utils.unescape(s)
  return (string.gsub(text(1, "unescape", s), "%%(.)", function(c)
    if c == "z" then return "\0" end
    if not string.find(c, "%w") then return c end
  end))
end

function utils.unpack(list, first, last)
  check("table", 1, "unpack", list)
  return unpack(list, first or 1, last or list.n or #list)
end

return utils
