-- A spreadsheet: formulas are translated to Lua by gsub and compiled with loadstring, cells know
-- their dependents, changes recalculate only what depends on them. Errors are values that pass
-- through arithmetic by metamethods, cycles among them; copies of formulas refer to other cells.
local size = tonumber(arg and arg[1]) or 240

-- Errors ---------------------------------------------------------------------------------------

local ErrorValue = {}

local function propagate(a, b)
  if getmetatable(a) == ErrorValue then return a end
  return b
end

ErrorValue.__add, ErrorValue.__sub, ErrorValue.__mul = propagate, propagate, propagate
ErrorValue.__div, ErrorValue.__mod, ErrorValue.__pow = propagate, propagate, propagate
ErrorValue.__concat, ErrorValue.__unm = propagate, propagate
ErrorValue.__tostring = function(self) return "#" .. self.code .. "!" end

local function make_error(code) return setmetatable({ code = code }, ErrorValue) end
local function is_error(value) return getmetatable(value) == ErrorValue end

local DIVISION, VALUE = make_error("DIV/0"), make_error("VALUE")
local CYCLE, NAME, REFERENCE = make_error("CYCLE"), make_error("NAME"), make_error("REF")

-- Numbers raise no error when they are divided by zero.
local function checked(value)
  if type(value) == "number" and (value ~= value or math.abs(value) == math.huge) then
    return DIVISION
  end
  return value == nil and VALUE or value
end

-- Addresses ------------------------------------------------------------------------------------

local function column_number(letters)
  local number = 0
  for i = 1, #letters do number = number * 26 + letters:byte(i) - 64 end
  return number
end

local column_names = setmetatable({}, {
  __index = function(names, number)
    local text, rest = "", number
    while rest > 0 do
      local digit = (rest - 1) % 26
      text = string.char(65 + digit) .. text
      rest = (rest - 1 - digit) / 26
    end
    names[number] = text
    return text
  end,
})

local function address(column, row) return column_names[column] .. row end

local function parse_address(text)
  local letters, digits = text:match("^(%u+)(%d+)$")
  return column_number(letters), tonumber(digits)
end

-- Translation ----------------------------------------------------------------------------------
-- "=IF(A1<>0, SUM(B$1:B9)/A1, "none")" becomes Lua; strings are set aside first. References become
-- calls of cell(...), ranges calls of range(...).

local translated = {}

local function translate(formula)
  local strings, references, ranges = {}, {}, {}
  local code = formula:gsub('"([^"]*)"', function(text)
    strings[#strings + 1] = text
    return "\1" .. string.char(64 + #strings)
  end)
  code = code:gsub("%$", "")
  code = code:gsub("(%u+%d+):(%u+%d+)", function(first, last)
    ranges[#ranges + 1] = { first, last }
    return "range(\2" .. string.char(96 + #ranges) .. ")"
  end)
  code = code:gsub("%f[%w](%u+%d+)%f[%W]", function(name)
    references[#references + 1] = name
    return "cell(\3" .. name:lower() .. "\3)"
  end)
  code = code:gsub("<>", "~="):gsub("([^<>~=])=([^=])", "%1==%2"):gsub("&", "..")
  code = code:gsub("\1(.)", function(letter)
    return ("%q"):format(strings[letter:byte() - 64])
  end)
  code = code:gsub("\2(.)", function(letter)
    local range = ranges[letter:byte() - 96]
    return ("%q, %q"):format(range[1], range[2])
  end)
  code = code:gsub("\3(%l+%d+)\3", function(name) return ("%q"):format(name:upper()) end)
  return code, references, ranges
end

-- Equal formulas are translated once, but each cell has its own chunk in its sheet's environment.
local function compile(formula, environment)
  local entry = translated[formula]
  if not entry then
    local code, references, ranges = translate(formula)
    entry = { references = references, ranges = ranges, source = "return " .. code }
    translated[formula] = entry
  end
  local chunk, message = loadstring(entry.source, "=" .. formula)
  if not chunk then return nil, message end
  return setfenv(chunk, environment), entry
end

-- Functions of formulas --------------------------------------------------------------------------

local Functions = {}

-- Calls visit with every number among the arguments; returns the first error, if any.
local function each_number(visit, ...)
  for i = 1, select("#", ...) do
    local argument = select(i, ...)
    if is_error(argument) then return argument end
    if type(argument) == "table" then
      for _, value in ipairs(argument) do
        if is_error(value) then return value end
        if type(value) == "number" then visit(value) end
      end
    elseif type(argument) == "number" then
      visit(argument)
    end
  end
end

function Functions.SUM(...)
  local sum = 0
  return each_number(function(value) sum = sum + value end, ...) or sum
end

function Functions.COUNT(...)
  local count = 0
  return each_number(function() count = count + 1 end, ...) or count
end

function Functions.AVERAGE(...)
  local sum, count = 0, 0
  local problem = each_number(function(value) sum, count = sum + value, count + 1 end, ...)
  if problem then return problem end
  return count == 0 and DIVISION or sum / count
end

function Functions.MAX(...)
  local most
  return each_number(function(value) most = math.max(most or value, value) end, ...) or most or 0
end

function Functions.MIN(...)
  local least
  return each_number(function(value) least = math.min(least or value, value) end, ...) or least or 0
end

function Functions.IF(condition, yes, no)
  if is_error(condition) then return condition end
  if condition and condition ~= 0 then return yes end
  return no == nil and false or no
end

function Functions.IFERROR(value, otherwise)
  if is_error(checked(value)) then return otherwise end
  return value
end

function Functions.ROUND(value, digits)
  if is_error(value) then return value end
  local factor = 10 ^ (digits or 0)
  return math.floor(value * factor + 0.5) / factor
end

function Functions.LOOKUP(key, keys, values)
  for i, candidate in ipairs(keys) do
    if candidate == key then return values[i] end
  end
  return REFERENCE
end

function Functions.REPT(text, count) return tostring(text):rep(math.floor(count)) end
function Functions.LEN(text) return #tostring(text) end
function Functions.UPPER(text) return tostring(text):upper() end

-- Sheets -----------------------------------------------------------------------------------------

local Sheet = {}
Sheet.__index = Sheet

function Sheet.new()
  local self = setmetatable({ cells = {}, evaluated = 0, columns = 0, rows = 0 }, Sheet)
  local environment = {
    cell = function(where) return self:get(where) end,
    range = function(first, last) return self:range(first, last) end,
  }
  self.environment = setmetatable(environment, {
    __index = function(_, key)
      return Functions[key] or error(NAME, 0)
    end,
  })
  return self
end

function Sheet:cell(where)
  local cell = self.cells[where]
  if not cell then
    local column, row = parse_address(where)
    cell = { where = where, column = column, row = row, dependents = {}, needs = {}, value = 0 }
    self.cells[where] = cell
    self.columns, self.rows = math.max(self.columns, column), math.max(self.rows, row)
  end
  return cell
end

function Sheet:get(where)
  local cell = self.cells[where]
  if not cell then return 0 end
  if cell.dirty then self:evaluate(cell) end
  return cell.value
end

function Sheet:range(first, last)
  local from_column, from_row = parse_address(first)
  local to_column, to_row = parse_address(last)
  local values = {}
  for row = from_row, to_row do
    for column = from_column, to_column do
      values[#values + 1] = self:get(address(column, row))
    end
  end
  return values
end

function Sheet:evaluate(cell)
  if cell.busy then
    cell.value = CYCLE
    return
  end
  cell.busy = true
  self.evaluated = self.evaluated + 1
  local ok, value = pcall(cell.chunk)
  if not ok then value = is_error(value) and value or VALUE end
  if cell.value ~= CYCLE then cell.value = checked(value) end
  cell.busy, cell.dirty = false, false
end

-- Marks all that depend on a cell, directly or not.
function Sheet:invalidate(cell, marked)
  for _, dependent in ipairs(cell.dependents) do
    if not dependent.dirty then
      dependent.dirty = true
      dependent.value = 0
      marked[#marked + 1] = dependent
      self:invalidate(dependent, marked)
    end
  end
  return marked
end

local function remove_value(list, value)
  for i = #list, 1, -1 do
    if list[i] == value then table.remove(list, i) end
  end
end

function Sheet:set(where, content)
  local cell = self:cell(where)
  for _, needed in ipairs(cell.needs) do remove_value(needed.dependents, cell) end
  cell.needs, cell.chunk, cell.dirty = {}, nil, false
  cell.content = content
  if type(content) == "string" and content:sub(1, 1) == "=" then
    local chunk, entry = compile(content:sub(2), self.environment)
    cell.chunk = chunk or function() return VALUE end
    if chunk then
      local function need(name)
        local needed = self:cell(name)
        cell.needs[#cell.needs + 1] = needed
        needed.dependents[#needed.dependents + 1] = cell
      end
      for _, name in ipairs(entry.references) do need(name) end
      for _, range in ipairs(entry.ranges) do
        local from_column, from_row = parse_address(range[1])
        local to_column, to_row = parse_address(range[2])
        for column = from_column, to_column do
          for row = from_row, to_row do need(address(column, row)) end
        end
      end
    end
    cell.dirty, cell.value = true, 0
  else
    cell.value = content
  end
  local marked = self:invalidate(cell, {})
  if cell.dirty then self:evaluate(cell) end
  for _, dependent in ipairs(marked) do
    if dependent.dirty then self:evaluate(dependent) end
  end
  return #marked
end

-- Copies a cell; references without "$" move along.
function Sheet:copy(from, to)
  local source, target = self:cell(from), self:cell(to)
  local content = source.content
  if type(content) == "string" then
    local across, down = target.column - source.column, target.row - source.row
    content = content:gsub("(%$?)(%u+)(%$?)(%d+)", function(lock_column, letters, lock_row, digits)
      local column = lock_column == "$" and letters
        or column_names[column_number(letters) + across]
      local row = lock_row == "$" and digits or tonumber(digits) + down
      return lock_column .. column .. lock_row .. row
    end)
  end
  return self:set(to, content)
end

local function show(value)
  if type(value) ~= "number" then return tostring(value) end
  if value % 1 == 0 then return ("%d"):format(value) end
  return ("%.2f"):format(math.floor(value * 100 + 0.5) / 100)
end

function Sheet:render(first_row, last_row, columns)
  local lines = {}
  for row = first_row, last_row do
    local parts = { ("%3d"):format(row) }
    for column = 1, columns do
      local where = address(column, row)
      local value = self.cells[where] and self:get(where) or ""
      parts[column + 1] = (type(value) == "number" and "%11s" or "%-11s"):format(show(value))
    end
    lines[#lines + 1] = table.concat(parts, "|")
  end
  return table.concat(lines, "\n")
end

function Sheet:checksum()
  local sum = 0
  for row = 1, self.rows do
    for column = 1, self.columns do
      local cell = self.cells[address(column, row)]
      local text = cell and show(cell.value) or ""
      for i = 1, #text do sum = (sum * 31 + text:byte(i)) % 1000000007 end
    end
  end
  return sum
end

-- A shop's sheet: sales with prices that are looked up, totals, growth and a few mistakes.

local seed = 1789
local function random(n)
  seed = (seed * 48271) % 2147483647
  return seed % n + 1
end

local sheet, last = Sheet.new(), math.min(size, 40) + 10
local goods = { "apples", "pears", "plums", "figs" }
for i, name in ipairs(goods) do
  sheet:set("J" .. i, name)
  sheet:set("K" .. i, i * 0.75 + 0.5)
end
local titles = { "item", "amount", "price", "net", "tax", "gross", "sum", "growth" }
for column, title in ipairs(titles) do sheet:set(address(column, 1), title) end
sheet:set("K6", 0.19)
sheet:set("C2", "=LOOKUP(A2, $J$1:$J$4, $K$1:$K$4)")
sheet:set("D2", "=B2*C2")
sheet:set("E2", "=ROUND(D2*$K$6, 2)")
sheet:set("F2", "=D2+E2")
sheet:set("G2", "=F2")
sheet:set("G3", "=G2+F3")
sheet:set("H3", '=IF(F2<>0, ROUND(100*(F3-F2)/F2, 1) & "%", "new")')
for row = 2, last do
  sheet:set("A" .. row, goods[random(#goods)])
  sheet:set("B" .. row, random(40) - 1)
  if row > 2 then
    for column in ("CDEF"):gmatch("%a") do sheet:copy(column .. "2", column .. row) end
  end
  if row > 3 then
    sheet:copy("G3", "G" .. row)
    sheet:copy("H3", "H" .. row)
  end
end
sheet:set("L1", ("=SUM(F2:F%d)"):format(last))
sheet:set("L2", ("=AVERAGE(B2:B%d)"):format(last))
sheet:set("L3", ("=MAX(F2:F%d) - MIN(F2:F%d)"):format(last, last))
sheet:set("L4", '=IFERROR(L1/L5, "no divisor")')
sheet:set("L6", "=L1/COUNT(A2:A9)")
sheet:set("L7", '=UPPER(A2) & ": " & REPT("*", B2/4) & LEN(A2)')
sheet:set("L8", "=L9+1")
sheet:set("L9", "=L8*2")
sheet:set("L10", "=UNKNOWN(3)")
sheet:set("L11", "=A2<B2")
sheet:set("L12", "=(1+")

local changes = 0
for step = 1, size * 20 do
  local row = random(last - 1) + 1
  if step % 5 == 0 then
    sheet:set("A" .. row, goods[random(#goods)])
  elseif step % 7 == 0 then
    changes = changes + sheet:set("K" .. random(#goods), random(300) / 100)
  elseif step % 11 == 0 then
    sheet:set("A" .. row, "melons")
  else
    changes = changes + sheet:set("B" .. row, random(40) - 1)
  end
  if step % 10 == 0 then sheet:copy("H3", "H" .. (random(last - 3) + 3)) end
end
for row = 2, last do
  if is_error(sheet:get("C" .. row)) then sheet:set("A" .. row, "figs") end
end
print(sheet:render(1, 6, 8))
for row = 1, 12 do print("L" .. row, show(sheet:get("L" .. row))) end
print(("%d evaluated, %d cells changed, checksum %d"):format(sheet.evaluated, changes,
  sheet:checksum()))
