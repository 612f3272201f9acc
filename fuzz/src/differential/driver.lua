-- Runs programs and reports the result of each: `lua driver.lua FILE`. FILE contains the programs,
-- each after a line with its number and its size in bytes.
--
-- Output of programs goes through `show`, so that it does not depend on addresses or on the order
-- of tables' keys.

local out = {}
local has_lpeg, lpeg = pcall(require, 'lpeg')

local function show(value, depth)
  local kind = type(value)
  if kind == 'string' then return '"' .. value .. '"' end
  if kind == 'number' or kind == 'nil' or kind == 'boolean' then return tostring(value) end
  if kind ~= 'table' or depth > 3 then return kind end
  local parts = {}
  local key, field = next(value)
  while key ~= nil do
    parts[#parts + 1] = '[' .. show(key, depth + 1) .. ']=' .. show(field, depth + 1)
    key, field = next(value, key)
  end
  table.sort(parts)
  return '{' .. table.concat(parts, ',') .. '}'
end

local function copy(from)
  local to = {}
  for key, value in pairs(from) do to[key] = value end
  return to
end

-- A separate environment for each program, so that changes do not affect the others.
local function environment()
  local steps = 0
  local globals = {
    string = copy(string), table = copy(table), math = copy(math), coroutine = copy(coroutine),
    tick = function()
      steps = steps + 1
      if steps > 150 then error('spent', 0) end
    end,
    cut = function(text)
      if type(text) == 'string' and #text > 100 then return text:sub(1, 100) end
      return text
    end,
    -- Sorts a list that has only one order.
    sort = function(list)
      local kind = type(list[1])
      if kind ~= 'number' and kind ~= 'string' then return end
      for _, value in ipairs(list) do
        if type(value) ~= kind or value ~= value then return end
      end
      table.sort(list)
    end,
    tostring = function(...)
      local value = ...
      local metatable = getmetatable(value)
      local kind = type(value)
      if (kind == 'table' or kind == 'function') and not (metatable and metatable.__tostring) then
        return kind
      end
      return tostring(...)
    end,
    collect = function() collectgarbage('step') end,
    -- Keeps a constant from being folded.
    number = function(value) return value end,
    print = function(...)
      local line = {}
      for i = 1, select('#', ...) do line[i] = show((select(i, ...)), 0) end
      out[#out + 1] = table.concat(line, ' ')
    end,
  }
  for _, name in ipairs {
    'assert', 'error', 'getmetatable', 'ipairs', 'loadstring', 'next', 'pairs', 'pcall', 'rawequal',
    'rawget', 'rawset', 'select', 'setfenv', 'getfenv', 'setmetatable', 'tonumber', 'type',
    'unpack', 'xpcall',
  } do
    globals[name] = _G[name]
  end
  globals._G = globals
  globals.lpeg = has_lpeg and copy(lpeg) or nil
  return globals
end

local file = assert(io.open(arg[1], 'rb'))
while true do
  local head = file:read('*l')
  if not head then break end
  local number, size = head:match('^(%d+) (%d+)$')
  local text = file:read(tonumber(size))
  out = {}
  local program, message = loadstring(text, '=p')
  if program then
    setfenv(program, environment())
    local ok, failure = pcall(program)
    if not ok then out[#out + 1] = 'error: ' .. show(failure, 0) end
  else
    out[1] = 'refused: ' .. message
  end
  local said = table.concat(out, '\n')
  io.write(number, ' ', #said, '\n', said, '\n')
end
