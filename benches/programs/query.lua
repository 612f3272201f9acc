-- A small query engine: statements in a language like SQL are parsed and compiled to chains of
-- closures over tables in memory. Joins by hashing, grouping, aggregates, ordering by several keys;
-- wrong statements raise errors with positions.
local rounds = tonumber(arg and arg[1]) or 55

-- Lexer ---------------------------------------------------------------------------------------

local keywords = {}
for word in ('select from where join on group by having order limit as and or not in like asc'
  .. ' desc'):gmatch('%a+') do
  keywords[word] = word
end

local function lex(text)
  local tokens, at = {}, 1
  local function push(kind, value, length)
    tokens[#tokens + 1] = { kind = kind, value = value, at = at }
    at = at + length
  end
  while true do
    at = text:find('%S', at)
    if not at then break end
    local word = text:match('^[%a_][%w_]*', at)
    local number = not word and text:match('^%d+%.?%d*', at)
    local quoted = text:match("^'([^']*)'", at)
    local operator = text:match('^[<>!]=', at) or text:match('^<>', at)
      or text:match('^[-+*/%%=<>(),.]', at)
    if word then
      push(keywords[word:lower()] or 'name', word, #word)
    elseif number then
      push('number', tonumber(number), #number)
    elseif quoted then
      push('string', quoted, #quoted + 2)
    elseif operator then
      push(operator, operator, #operator)
    else
      error({ at = at, message = "unexpected character '" .. text:sub(at, at) .. "'" })
    end
  end
  at = #text + 1
  push('end', 'end of statement', 0)
  return tokens
end

-- Expressions ---------------------------------------------------------------------------------
-- The parser returns closures at once: each takes the current row and returns a value. Columns are
-- resolved by a scope, a list of names with their places in the row; null is represented by nil.

local Parser = {}
Parser.__index = Parser

local function fail(token, message, ...)
  error({ at = token.at, message = message:format(...) })
end

function Parser:accept(...)
  local token = self.tokens[self.at]
  for i = 1, select('#', ...) do
    if token.kind == (select(i, ...)) then
      self.at = self.at + 1
      return token
    end
  end
end

function Parser:expect(kind)
  local token = self.tokens[self.at]
  return self:accept(kind) or fail(token, "expected %s, found '%s'", kind, token.value)
end

function Parser:list(parse)
  local items = {}
  repeat items[#items + 1] = parse(self) until not self:accept(',')
  return items
end

local function resolve(scope, qualifier, token)
  local found
  for index, column in ipairs(scope) do
    if column.name == token.value and (not qualifier or column.from == qualifier) then
      if found then fail(token, 'column %s is ambiguous', token.value) end
      found = index
    end
  end
  return found or fail(token, 'unknown column %s', token.value)
end

local scalar_functions = {
  upper = function(text) return text and text:upper() end,
  length = function(text) return text and #text end,
  round = function(number) return number and math.floor(number + 0.5) end,
  coalesce = function(...)
    for i = 1, select('#', ...) do
      local value = select(i, ...)
      if value ~= nil then return value end
    end
  end,
}

-- An aggregate is a constructor of accumulators; the results are kept beside the group's row.
local function extreme(better)
  return function()
    local best
    return function(value) if value and (not best or better(value, best)) then best = value end end,
      function() return best end
  end
end
local aggregates = {
  count = function()
    local count = 0
    return function(value) if value ~= nil then count = count + 1 end end,
      function() return count end
  end,
  sum = function()
    local sum
    return function(value) if value then sum = (sum or 0) + value end end,
      function() return sum end
  end,
  min = extreme(function(value, least) return value < least end),
  max = extreme(function(value, most) return value > most end),
}

function Parser:call(name)
  local star = self:accept('*')
  local arguments = star and { function() return true end } or self:list(Parser.expression)
  self:expect(')')
  local kind = name.value:lower()
  if aggregates[kind] then
    if not self.aggregates then fail(name, '%s is not allowed here', kind) end
    local slot = #self.aggregates + 1
    self.aggregates[slot] = { make = aggregates[kind], argument = arguments[1] }
    return function(row) return row.results[slot] end
  end
  local f = scalar_functions[kind] or fail(name, 'unknown function %s', name.value)
  return function(row)
    local values = {}
    for i, argument in ipairs(arguments) do values[i] = argument(row) end
    return f(unpack(values, 1, #arguments))
  end
end

function Parser:primary()
  local token = self:accept('number', 'string')
  if token then
    local value = token.value
    return function() return value end
  end
  if self:accept('(') then
    local inner = self:expression()
    self:expect(')')
    return inner
  end
  local name = self:expect('name')
  if self:accept('(') then return self:call(name) end
  local index = self:accept('.') and resolve(self.scope, name.value, self:expect('name'))
    or resolve(self.scope, nil, name)
  return function(row) return row[index] end
end

-- Operators give null if an operand is null.
local function binary(f)
  return function(left, right)
    return function(row)
      local a, b = left(row), right(row)
      if a == nil or b == nil then return nil end
      return f(a, b)
    end
  end
end
local operators = {
  ['+'] = binary(function(a, b) return a + b end),
  ['-'] = binary(function(a, b) return a - b end),
  ['*'] = binary(function(a, b) return a * b end),
  ['/'] = binary(function(a, b) if b ~= 0 then return a / b end end),
  ['%'] = binary(function(a, b) if b ~= 0 then return a % b end end),
  ['='] = binary(function(a, b) return a == b end),
  ['<>'] = binary(function(a, b) return a ~= b end),
  ['<'] = binary(function(a, b) return a < b end),
  ['<='] = binary(function(a, b) return a <= b end),
  ['>'] = binary(function(a, b) return a > b end),
  ['>='] = binary(function(a, b) return a >= b end),
}

local function left_associative(next_level, ...)
  local kinds = { ... }
  return function(self)
    local left = next_level(self)
    local token = self:accept(unpack(kinds))
    while token do
      left = operators[token.kind](left, next_level(self))
      token = self:accept(unpack(kinds))
    end
    return left
  end
end
local product = left_associative(Parser.primary, '*', '/', '%')
local sum = left_associative(product, '+', '-')
local comparison = left_associative(sum, '=', '<>', '<', '<=', '>', '>=')

function Parser:predicate()
  if self:accept('not') then
    local inner = self:predicate()
    return function(row) return not inner(row) end
  end
  local left = comparison(self)
  if self:accept('in') then
    self:expect('(')
    local set = {}
    for _, item in ipairs(self:list(Parser.primary)) do set[item({})] = true end
    self:expect(')')
    return function(row) return set[left(row)] or false end
  elseif self:accept('like') then
    local pattern = self:expect('string').value
    pattern = '^' .. pattern:gsub('[%p_]', function(character)
      return character == '%' and '.*' or character == '_' and '.' or '%' .. character
    end) .. '$'
    return function(row)
      local value = left(row)
      return value and value:find(pattern) ~= nil
    end
  end
  return left
end

function Parser:conjunction()
  local left = self:predicate()
  while self:accept('and') do
    local first, second = left, self:predicate()
    left = function(row) return first(row) and second(row) end
  end
  return left
end

function Parser:expression()
  local left = self:conjunction()
  while self:accept('or') do
    local first, second = left, self:conjunction()
    left = function(row) return first(row) or second(row) end
  end
  return left
end

-- Statements ----------------------------------------------------------------------------------
-- A source of rows is a function that returns the next row, or nil at the end.

local function scan(rows)
  local at = 0
  return function()
    at = at + 1
    return rows[at]
  end
end

local function filter(source, condition)
  return function()
    local row = source()
    while row and not condition(row) do row = source() end
    return row
  end
end

local function hash_join(source, rows, left_index, right_index)
  local places = {}
  for _, row in ipairs(rows) do
    local key = row[right_index]
    if key ~= nil then
      local place = places[key]
      if place then place[#place + 1] = row else places[key] = { row } end
    end
  end
  local left, matches, at
  return function()
    while true do
      local right = matches and matches[at]
      if right then
        at = at + 1
        local row, width = {}, left.width
        for i = 1, width do row[i] = left[i] end
        for i = 1, right.width do row[width + i] = right[i] end
        row.width = width + right.width
        return row
      end
      left = source()
      if not left then return nil end
      local key = left[left_index]
      matches, at = key ~= nil and places[key] or nil, 1
    end
  end
end

local function group(source, keys, wanted)
  local groups, by_key = {}, {}
  for row in source do
    local parts = {}
    for i, key in ipairs(keys) do parts[i] = tostring(key(row)) end
    local name = table.concat(parts, '\0')
    local entry = by_key[name]
    if not entry then
      entry = { row = row, add = {}, get = {} }
      for i, aggregate in ipairs(wanted) do entry.add[i], entry.get[i] = aggregate.make() end
      by_key[name] = entry
      groups[#groups + 1] = entry
    end
    for i, aggregate in ipairs(wanted) do entry.add[i](aggregate.argument(row)) end
  end
  for i, entry in ipairs(groups) do
    local results = {}
    for j, get in ipairs(entry.get) do results[j] = get() end
    groups[i] = setmetatable({ results = results }, { __index = entry.row })
  end
  return scan(groups)
end

function Parser:table_source(scope)
  local name = self:expect('name')
  local data = self.tables[name.value] or fail(name, 'unknown table %s', name.value)
  local from = (self:accept('name') or name).value
  for _, column in ipairs(data.columns) do scope[#scope + 1] = { name = column, from = from } end
  return data
end

function Parser:select()
  -- The names of columns are known only after the tables: skip to them, and come back.
  local list_at = self.at
  while not self:accept('from') do
    if self:accept('end') then error({ at = 1, message = 'from is missing' }) end
    self.at = self.at + 1
  end
  local scope = {}
  local source = scan(self:table_source(scope).rows)
  while self:accept('join') do
    local right_scope = {}
    local right = self:table_source(right_scope)
    self:expect('on')
    local left_index = resolve(scope, nil, self:expect('name'))
    self:expect('=')
    source = hash_join(source, right.rows, left_index,
      resolve(right_scope, nil, self:expect('name')))
    for _, column in ipairs(right_scope) do scope[#scope + 1] = column end
  end
  self.scope = scope
  if self:accept('where') then source = filter(source, self:expression()) end

  local after, wanted, names = self.at, {}, {}
  self.at, self.aggregates = list_at, wanted
  local outputs = self:list(function()
    local first = self.tokens[self.at]
    local output = self:expression()
    local alias = self:accept('as') and self:expect('name')
    names[#names + 1] = alias and alias.value or first.value
    return output
  end)
  self:expect('from')
  self.at = after

  local keys = {}
  if self:accept('group') then
    self:expect('by')
    self.aggregates = nil
    keys = self:list(Parser.expression)
    self.aggregates = wanted
  end
  local having = self:accept('having') and self:expression()
  if #wanted > 0 or #keys > 0 then source = group(source, keys, wanted) end
  if having then source = filter(source, having) end

  local result = { columns = names }
  for row in source do
    local out = {}
    for i, output in ipairs(outputs) do out[i] = output(row) end
    out.number = #result + 1
    result[out.number] = out
  end

  if self:accept('order') then
    self:expect('by')
    local positions = self:list(function()
      local name, position = self:expect('name'), nil
      for i, column in ipairs(names) do if column == name.value then position = i end end
      if not position then fail(name, 'cannot order by %s', name.value) end
      local direction = self:accept('asc', 'desc')
      return { position, direction and direction.kind == 'desc' }
    end)
    table.sort(result, function(a, b)
      for _, key in ipairs(positions) do
        local x, y = a[key[1]], b[key[1]]
        if x ~= y then
          if x == nil or y == nil then return (x == nil) ~= (key[2] or false) end
          if key[2] then return x > y end
          return x < y
        end
      end
      return a.number < b.number
    end)
  end
  if self:accept('limit') then
    local limit = self:expect('number').value
    for i = #result, limit + 1, -1 do result[i] = nil end
  end
  return result
end

local tables = {}

local function execute(text)
  local ok, result = pcall(function()
    local parser = setmetatable({ tokens = lex(text), at = 1, tables = tables }, Parser)
    parser:expect('select')
    local result = parser:select()
    parser:expect('end')
    return result
  end)
  if ok then return result end
  if type(result) ~= 'table' then error(result, 0) end
  return nil, ('%s at %d'):format(result.message, result.at)
end

-- Data ----------------------------------------------------------------------------------------

local seed = 77
local function random(n)
  seed = (seed * 3877 + 29573) % 139968
  return math.floor(seed * n / 139968) + 1
end

local function create(name, columns, count, make)
  local data = { columns = {}, rows = {} }
  for column in columns:gmatch('%S+') do table.insert(data.columns, column) end
  for i = 1, count do
    local row = { make(i) }
    row.width = #data.columns
    data.rows[i] = row
  end
  tables[name] = data
end

local cities = { 'Ulm', 'Bath', 'Turin', 'Lyon', 'Ghent', 'Porto', 'Graz', 'Brno' }
local goods = { 'tea', 'coffee', 'sugar', 'rice', 'salt', 'flour', 'oil (olive)', 'oil (nut)' }
create('customers', 'id name city discount', 300, function(i)
  local discount = random(3) > 1 and random(20) or nil
  return i, 'customer ' .. i, cities[random(#cities)], discount
end)
create('products', 'code title price', #goods, function(i) return i, goods[i], i * 3.5 - 1.25 end)
create('orders', 'number customer product amount day', 1800, function(i)
  return i, random(330), random(#goods), random(50), random(365)
end)

local statements = {
  'select count(*) as orders, min(day) as first, max(day) as last from orders',
  [[select city, count(*) as orders, sum(amount * price) as total, sum(amount) / count(*) as average
    from orders join customers on customer = id join products on product = code
    where day >= $day and day <= $day + 300 group by city having count(*) > 2
    order by total desc, city]],
  [[select c.name as name, upper(city) as city,
    round(sum(amount * price * (1 - coalesce(discount, 0) / 100))) as paid
    from orders o join customers c on customer = id join products p on product = code
    where title like 'oil (%)' or title in ('tea', 'salt') and not discount > $discount
    group by id order by paid desc, name limit 4]],
  'select discount, count(*) as n from customers group by discount order by discount desc limit 3',
  [[select name, length(name) - 9 as digits from customers where not discount > 0 and
    id % 5 = $day % 5 order by digits desc, name limit 2]],
  [[select title, day % 7 as weekday, sum(amount) as amount from orders join products on
    product = code where number <> $day and amount >= 10 group by title, day % 7
    order by weekday, amount desc, title limit 3]],
  'select nothing from orders',
  'select name from customers where sum(id) > $day',
  "select name from customers where name = 'open",
}

local function show(value)
  if value == nil then return '-' end
  if type(value) ~= 'number' then return tostring(value) end
  local hundredths = math.floor(value * 100 + 0.5)
  if hundredths % 100 == 0 then return ('%d'):format(hundredths / 100) end
  return ('%.2f'):format(hundredths / 100)
end

local function describe(statement)
  local result, message = execute(statement)
  if not result then return message end
  local lines = { table.concat(result.columns, ' | ') }
  for i, row in ipairs(result) do
    local cells = {}
    for j = 1, #result.columns do cells[j] = show(row[j]) end
    lines[i + 1] = table.concat(cells, ' | ')
  end
  return table.concat(lines, '\n   ')
end

local checksum = 0
for round = 1, rounds do
  local parameters = { day = round, discount = round % 19 }
  for index, statement in ipairs(statements) do
    local text = describe((statement:gsub('%$(%a+)', parameters)))
    if round == rounds then print(index .. ': ' .. text) end
    for i = 1, #text do checksum = (checksum * 31 + text:byte(i)) % 1000000007 end
  end
end
print(('checksum %d'):format(checksum))
