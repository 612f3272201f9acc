-- A tokenizer, a precedence-climbing parser to a tree, and an evaluator over the tree.
local rounds = tonumber(arg and arg[1]) or 5000

local function tokenize(source)
  local tokens, position = {}, 1
  while true do
    position = source:find("%S", position)
    if not position then break end
    local number = source:match("^%d+%.?%d*", position)
    local name = not number and source:match("^[%a_][%w_]*", position)
    if number then
      tokens[#tokens + 1] = { kind = "number", value = tonumber(number) }
      position = position + #number
    elseif name then
      tokens[#tokens + 1] = { kind = "name", value = name }
      position = position + #name
    else
      tokens[#tokens + 1] = { kind = source:sub(position, position) }
      position = position + 1
    end
  end
  tokens[#tokens + 1] = { kind = "end" }
  return tokens
end

local precedence = {
  ["?"] = 1, ["<"] = 2, [">"] = 2, ["+"] = 3, ["-"] = 3, ["*"] = 4, ["/"] = 4, ["%"] = 4, ["^"] = 6,
}

local Parser = {}
Parser.__index = Parser

function Parser:take(kind)
  local token = self.tokens[self.at]
  if kind and token.kind ~= kind then error("expected " .. kind .. ", found " .. token.kind) end
  self.at = self.at + 1
  return token
end

function Parser:primary()
  local token = self:take()
  if token.kind == "number" then return { op = "number", value = token.value } end
  if token.kind == "-" then return { op = "negate", self:expression(5) } end
  if token.kind == "(" then
    local inner = self:expression(1)
    self:take(")")
    return inner
  end
  if token.kind ~= "name" then error("unexpected " .. token.kind) end
  if self.tokens[self.at].kind ~= "(" then return { op = "name", value = token.value } end
  self:take("(")
  local call = { op = "call", value = token.value }
  while self.tokens[self.at].kind ~= ")" do
    call[#call + 1] = self:expression(1)
    if self.tokens[self.at].kind == "," then self:take(",") end
  end
  self:take(")")
  return call
end

function Parser:expression(minimum)
  local left = self:primary()
  while true do
    local op = self.tokens[self.at].kind
    local level = precedence[op]
    if not level or level < minimum then return left end
    self:take()
    if op == "?" then
      local yes = self:expression(1)
      self:take(":")
      left = { op = "?", left, yes, self:expression(1) }
    else
      left = { op = op, left, self:expression(op == "^" and level or level + 1) }
    end
  end
end

local functions = {
  max = math.max, min = math.min, floor = math.floor,
  sum = function(...)
    local total = 0
    for i = 1, select("#", ...) do total = total + (select(i, ...)) end
    return total
  end,
}

local evaluate
local operations = {
  number = function(node) return node.value end,
  name = function(node, env) return env[node.value] or error("unknown " .. node.value) end,
  negate = function(node, env) return -evaluate(node[1], env) end,
  ["+"] = function(node, env) return evaluate(node[1], env) + evaluate(node[2], env) end,
  ["-"] = function(node, env) return evaluate(node[1], env) - evaluate(node[2], env) end,
  ["*"] = function(node, env) return evaluate(node[1], env) * evaluate(node[2], env) end,
  ["/"] = function(node, env) return evaluate(node[1], env) / evaluate(node[2], env) end,
  ["%"] = function(node, env) return evaluate(node[1], env) % evaluate(node[2], env) end,
  ["^"] = function(node, env) return evaluate(node[1], env) ^ evaluate(node[2], env) end,
  ["<"] = function(node, env) return evaluate(node[1], env) < evaluate(node[2], env) and 1 or 0 end,
  [">"] = function(node, env) return evaluate(node[1], env) > evaluate(node[2], env) and 1 or 0 end,
  ["?"] = function(node, env)
    return evaluate(node[1], env) ~= 0 and evaluate(node[2], env) or evaluate(node[3], env)
  end,
  call = function(node, env)
    local arguments = {}
    for i = 1, #node do arguments[i] = evaluate(node[i], env) end
    return functions[node.value]((table.unpack or unpack)(arguments))
  end,
}
function evaluate(node, env) return operations[node.op](node, env) end

local sources = {
  "1 + 2 * 3 - 4 / 8",
  "(x + y) * (x - y) % 97 + -z ^ 2",
  "max(x, y, 3 * z) + min(1, sum(x, y, z, 4, 5)) * floor(x / 3)",
  "x < y ? (z > 10 ? z * 2 : z + 1) : floor((x + y * z) / (1 + 2 + 3))",
  "((((x + 1) * 2 + y) * 3 + z) * 4 + sum(x, (y), ((z)))) % 1009",
}

local checksum = 0
for round = 1, rounds do
  for _, source in ipairs(sources) do
    local tree = setmetatable({ tokens = tokenize(source), at = 1 }, Parser):expression(1)
    for x = 1, 10 do
      local value = evaluate(tree, { x = x, y = round % 7, z = (x * round) % 23 })
      checksum = (checksum * 7 + math.floor(value * 8)) % 1000003
    end
  end
end
print(string.format("%d", checksum))
