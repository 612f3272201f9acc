-- A formatter of a small language: a lexer as a coroutine, a parser by recursive descent that goes
-- on after errors, and a printer in the manner of Wadler that breaks groups which do not fit into a
-- line. What was printed must parse to the same tree.
local rounds = tonumber(arg and arg[1]) or 130

local insert, concat = table.insert, table.concat

-- Documents ---------------------------------------------------------------------------------------
-- Text, lines that become spaces in a flat group, nesting, and groups; ".." joins documents, a call
-- with a number indents one.

local Document = {}
local function document(kind, fields)
  fields.kind = kind
  return setmetatable(fields, Document)
end
local function text(string) return document("text", { string = string }) end
local function as_document(value)
  return getmetatable(value) == Document and value or text(value)
end

Document.__concat = function(left, right)
  return document("join", { as_document(left), as_document(right) })
end
Document.__call = function(self, by) return document("nest", { self, by = by }) end

local line = document("line", { flat = " " })
local soft = document("line", { flat = "" })
local hard = document("line", {})

local function group(inner) return document("group", { as_document(inner) }) end

local function join(list, separator)
  local result = as_document(list[1] or "")
  for index = 2, #list do result = result .. separator .. list[index] end
  return result
end

local function render(root, width)
  local out, column = {}, 0

  -- Whether the text up to the next line fits; looks into what follows the group.
  local function fits(room, stack)
    local pending, top, below = {}, 0, #stack
    local function push(indent, flat, item)
      top = top + 1
      pending[top] = { indent, flat, item }
    end
    while room >= 0 do
      if top == 0 then
        if below == 0 then return true end
        push(unpack(stack[below]))
        below = below - 1
      end
      local entry = pending[top]
      top = top - 1
      local indent, flat, item = entry[1], entry[2], entry[3]
      if item.kind == "text" then
        room = room - #item.string
      elseif item.kind == "join" then
        push(indent, flat, item[2])
        push(indent, flat, item[1])
      elseif item.kind == "nest" then
        push(indent + item.by, flat, item[1])
      elseif item.kind == "group" then
        push(indent, flat, item[1])
      elseif not flat or not item.flat then
        return not flat
      else
        room = room - #item.flat
      end
    end
    return false
  end

  local stack = { { 0, false, root } }
  local actions = {
    text = function(indent, flat, item)
      out[#out + 1] = item.string
      column = column + #item.string
    end,
    join = function(indent, flat, item)
      insert(stack, { indent, flat, item[2] })
      insert(stack, { indent, flat, item[1] })
    end,
    nest = function(indent, flat, item) insert(stack, { indent + item.by, flat, item[1] }) end,
    line = function(indent, flat, item)
      if flat and item.flat then
        out[#out + 1] = item.flat
        column = column + #item.flat
      else
        while out[#out] and out[#out]:find("^ +$") do out[#out] = nil end
        out[#out + 1] = "\n" .. (" "):rep(indent)
        column = indent
      end
    end,
    group = function(indent, flat, item)
      insert(stack, { indent, true, item[1] })
      if not flat and not fits(width - column, stack) then stack[#stack][2] = false end
    end,
  }
  while #stack > 0 do
    local indent, flat, item = unpack(table.remove(stack))
    actions[item.kind](indent, flat, item)
  end
  return concat(out)
end

-- Lexer -------------------------------------------------------------------------------------------

local reserved = {}
for word in ("fun let if else return and or not"):gmatch("%a+") do reserved[word] = true end

local function lex(source)
  local row, row_start = 1, 1
  local function produce(kind, value, at)
    coroutine.yield({ kind = kind, value = value, row = row, column = at - row_start + 1 })
  end
  return coroutine.wrap(function()
    local at = 1
    while at <= #source do
      local character = source:sub(at, at)
      if character == "\n" then
        row, row_start = row + 1, at + 1
        at = at + 1
      elseif character:find("%s") then
        at = source:find("[^ \t]", at) or #source + 1
      elseif character == "#" then
        local comment = source:match("^#%s*([^\n]*)", at)
        produce("comment", comment, at)
        at = source:find("\n", at, true) or #source + 1
      elseif character:find("%d") then
        local number = source:match("^%d+%.?%d*", at)
        produce("number", tonumber(number), at)
        at = at + #number
      elseif character:find("[%a_]") then
        local word = source:match("^[%w_]+", at)
        produce(reserved[word] and word or "name", word, at)
        at = at + #word
      elseif character == "'" then
        local string = source:match("^'([^'\n]*)'", at)
        produce(string and "string" or "error", string or "string without end", at)
        at = at + (string and #string + 2 or 1)
      else
        local symbol = source:match("^[=!<>]=", at) or character
        produce(symbol, symbol, at)
        at = at + #symbol
      end
    end
    while true do produce("end", "end", at) end
  end)
end

-- Parser ------------------------------------------------------------------------------------------

local precedence = {
  ["or"] = 1, ["and"] = 2, ["=="] = 3, ["!="] = 3, ["<"] = 4, [">"] = 4, ["<="] = 4, [">="] = 4,
  ["+"] = 5, ["-"] = 5, ["*"] = 6, ["/"] = 6, ["%"] = 6,
}

local function parse(source)
  local produce = lex(source)
  local errors = {}
  local token, comments

  local function advance()
    local before = token
    comments = {}
    repeat
      token = produce()
      if token.kind == "comment" then insert(comments, token.value) end
    until token.kind ~= "comment"
    return before
  end
  local function fail(message)
    error({ row = token.row, column = token.column, message = message }, 0)
  end
  local function accept(kind) return token.kind == kind and advance() end
  local function expect(kind)
    if token.kind ~= kind then fail("expected " .. kind .. " before " .. tostring(token.value)) end
    return advance()
  end
  local function list_until(close, parse_item)
    local items = {}
    while token.kind ~= close do
      insert(items, parse_item())
      if not accept(",") then break end
    end
    expect(close)
    return items
  end

  local expression, block

  local prefix = {
    number = function(t) return { kind = "number", value = t.value } end,
    string = function(t) return { kind = "string", value = t.value } end,
    name = function(t) return { kind = "name", value = t.value } end,
    ["-"] = function() return { kind = "unary", op = "-", expression(7) } end,
    ["not"] = function() return { kind = "unary", op = "not", expression(7) } end,
    ["["] = function() return { kind = "list", unpack(list_until("]", expression)) } end,
    ["("] = function()
      local inner = expression()
      expect(")")
      return inner
    end,
    ["{"] = function()
      return { kind = "record", unpack(list_until("}", function()
        local name = expect("name").value
        expect(":")
        return { kind = "field", name = name, expression() }
      end)) }
    end,
    fun = function()
      expect("(")
      local parameters = list_until(")", function() return expect("name").value end)
      return { kind = "function", parameters = parameters, block() }
    end,
  }

  function expression(least)
    local start = prefix[token.kind]
    if not start then fail("unexpected " .. tostring(token.value)) end
    local left = start(advance())
    while true do
      local level = precedence[token.kind]
      if token.kind == "(" then
        advance()
        left = { kind = "call", left, unpack(list_until(")", expression)) }
      elseif level and level > (least or 0) then
        local op = advance().kind
        left = { kind = "binary", op = op, left, expression(level) }
      else
        return left
      end
    end
  end

  local statements = {
    let = function()
      local name = expect("name").value
      expect("=")
      return { kind = "let", name = name, expression() }
    end,
    ["return"] = function()
      return { kind = "return", token.kind ~= ";" and expression() or nil }
    end,
    ["if"] = function()
      local node = { kind = "if" }
      repeat
        insert(node, expression())
        insert(node, block())
        local other = accept("else")
      until not other or not accept("if")
      if token.kind == "{" then insert(node, block()) end
      return node
    end,
  }

  local function statement()
    local before = comments
    local start, node = statements[token.kind], nil
    if start then
      advance()
      node = start()
    else
      node = expression()
      if accept("=") then node = { kind = "assign", node, expression() } end
    end
    if node.kind ~= "if" then expect(";") end
    if #before > 0 then node.comments = before end
    return node
  end

  -- After an error everything up to the next semicolon or brace is skipped.
  local function sequence(close)
    local items = { kind = "block" }
    while token.kind ~= close and token.kind ~= "end" do
      local ok, result = pcall(statement)
      if ok then
        insert(items, result)
      else
        if type(result) ~= "table" then error(result, 0) end
        insert(errors, result)
        while token.kind ~= "end" and token.kind ~= ";" and token.kind ~= "}" do advance() end
        if token.kind == ";" then advance() elseif close == "end" then accept("}") end
      end
    end
    return items
  end

  function block()
    expect("{")
    local items = sequence("}")
    expect("}")
    return items
  end

  advance()
  return sequence("end"), errors
end

-- Printer -----------------------------------------------------------------------------------------

local show = {}
local function doc(node) return show[node.kind](node) end
local function docs(nodes, first)
  local list = {}
  for index = first or 1, #nodes do insert(list, doc(nodes[index])) end
  return list
end

local function enclosed(open, items, close)
  if #items == 0 then return text(open .. close) end
  return group((open .. (soft .. join(items, "," .. line))(2)) .. soft .. close)
end

local function operand(node, level)
  if node.kind == "function" or node.kind == "binary" and precedence[node.op] < level then
    return "(" .. doc(node) .. ")"
  end
  return doc(node)
end

function show.number(node) return text(("%.14g"):format(node.value)) end
function show.string(node) return text("'" .. node.value .. "'") end
function show.name(node) return text(node.value) end
function show.list(node) return enclosed("[", docs(node), "]") end
function show.record(node) return enclosed("{", docs(node), "}") end
function show.field(node) return node.name .. ": " .. doc(node[1]) end
function show.unary(node)
  return (node.op == "not" and "not " or node.op) .. operand(node[1], 8)
end
function show.binary(node)
  local level = precedence[node.op]
  local right = line .. node.op .. " " .. operand(node[2], level + 1)
  return group(operand(node[1], level) .. right(2))
end
function show.call(node) return operand(node[1], 8) .. enclosed("(", docs(node, 2), ")") end
show["function"] = function(node)
  return "fun(" .. concat(node.parameters, ", ") .. ") " .. doc(node[1])
end
function show.let(node) return "let " .. node.name .. " = " .. doc(node[1]) .. ";" end
function show.assign(node) return doc(node[1]) .. " = " .. doc(node[2]) .. ";" end
show["return"] = function(node)
  return node[1] and "return " .. doc(node[1]) .. ";" or text("return;")
end
show["if"] = function(node)
  local result = "if " .. doc(node[1]) .. " " .. doc(node[2])
  for index = 3, #node - 1, 2 do
    result = result .. " else if " .. doc(node[index]) .. " " .. doc(node[index + 1])
  end
  return #node % 2 == 1 and result .. " else " .. doc(node[#node]) or result
end

local complete = { let = true, assign = true, ["return"] = true, ["if"] = true }
local function body(node)
  local items = {}
  for index, child in ipairs(node) do
    local item = complete[child.kind] and doc(child) or doc(child) .. ";"
    for _, comment in ipairs(child.comments or {}) do insert(items, "# " .. comment) end
    insert(items, item)
  end
  return join(items, hard)
end
function show.block(node)
  if #node == 0 then return text("{}") end
  return "{" .. (hard .. body(node))(2) .. hard .. "}"
end

-- A comparison of trees, without comments.
local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if key ~= "comments" and not same(value, b[key]) then return false end
  end
  for key in pairs(b) do if key ~= "comments" and a[key] == nil then return false end end
  return true
end

-- Programs, badly written -------------------------------------------------------------------------

local seed = 5
local function random(n)
  seed = (seed * 3877 + 29573) % 139968
  return math.floor(seed * n / 139968) + 1
end

local names = { "a", "total", "index", "value_of_item", "print", "left", "right", "result_count" }
local operators = { "+", "-", "*", "/", "%", "<", "==", "and", "or", "!=" }

local function generate(statements)
  local tokens = {}
  local function add(...)
    for i = 1, select("#", ...) do tokens[#tokens + 1] = (select(i, ...)) end
  end
  local function name() return names[random(#names)] end
  local block
  local function value(depth)
    local kind = depth > 3 and random(4) or random(14)
    if kind <= 2 then
      add(name())
    elseif kind == 3 then
      add(tostring(random(99)))
    elseif kind == 4 then
      add("'some " .. name() .. "'")
    elseif kind <= 6 then
      add(name(), "(")
      for _ = 2, random(4) do
        value(depth + 1)
        add(",")
      end
      value(depth + 2)
      add(")")
    elseif kind == 7 then
      add("[")
      value(depth + 1)
      for _ = 2, random(6) do add(",", name()) end
      add(",", "]")
    elseif kind == 8 then
      add("{", name(), ":")
      value(depth + 1)
      add(",", name(), ":", "true", "}")
    elseif kind == 9 then
      add("fun", "(", name(), ",", name(), ")")
      block(depth + 2)
    elseif kind == 10 then
      add(random(2) == 1 and "not" or "-")
      value(depth + 2)
    else
      add("(")
      value(depth + 1)
      add(")", operators[random(#operators)])
      value(depth + 1)
    end
  end
  local function statement(depth)
    local kind = depth > 3 and 6 or random(6)
    if random(8) == 1 then add("#   about " .. name() .. "\n") end
    if kind == 1 then
      add("let", name(), "=")
    elseif kind <= 3 then
      add(name(), "(", name(), ")", ";", "return")
    elseif kind <= 5 then
      add("if", name(), "!=")
      value(depth + 2)
      block(depth + 1)
      if random(2) == 1 then
        add("else", "if", "not", "true")
        block(depth + 2)
        add("else")
        block(depth + 2)
      end
      return
    else
      add(name(), "=")
    end
    value(depth)
    add(";")
  end
  function block(depth)
    add("{")
    for _ = 1, random(3) - 1 do statement(depth) end
    add("}")
  end
  for _ = 1, statements do statement(0) end

  local gaps, parts = { " ", "  ", "\n", " \n\t", " " }, {}
  for index, token in ipairs(tokens) do
    if random(400) > 1 then parts[#parts + 1] = token .. gaps[random(#gaps)] end
  end
  return concat(parts)
end

local function print_tree(tree, width) return render(body(tree) .. hard, width) end

local wrong, bytes, checksum, first = 0, 0, 0, nil
for round = 1, rounds do
  local tree, errors = parse(generate(12))
  wrong = wrong + #errors
  for _, problem in ipairs(errors) do
    first = first or ("%d:%d: %s"):format(problem.row, problem.column, problem.message)
  end
  for _, width in ipairs({ 40, 80 }) do
    local printed = print_tree(tree, width)
    local again, failures = parse(printed)
    if #failures > 0 then error("printed badly: " .. failures[1].message) end
    assert(same(tree, again), "another tree in round " .. round)
    assert(print_tree(again, width) == printed, "not stable in round " .. round)
    bytes = bytes + #printed
    for i = 1, #printed, 5 do checksum = (checksum * 31 + printed:byte(i)) % 1000000007 end
  end
end
print(print_tree(parse([[let a=fun(x,y){if x<y{return[x,y,'text'];}else{return f(x*(y+1),- (x-y),
not (x and true));}}; # the end
print(a(1,2+3*4), {name:'a long name', value:fun(){}, list:[1,2,3,4,5]});]]), 60))
print(("%d errors, the first at %s"):format(wrong, first or "none"))
print(("%d bytes, checksum %d"):format(bytes, checksum))
