-- The functions of `re`. Those of `lpeg` are globals here; its `type` replaces Lua's.
local re = {}

local any = P(1)

-- The classes that patterns may name, and compiled patterns by their source.
local classes, matchers, finders, substitutes

local LETTERS = {
  a = "alpha", c = "cntrl", d = "digit", g = "graph", l = "lower", p = "punct", s = "space",
  u = "upper", w = "alnum", x = "xdigit",
}

function re.updatelocale()
  local named = locale()
  classes = { nl = P("\n") }
  for letter, name in pairs(LETTERS) do
    classes[letter] = named[name]
    classes[string.upper(letter)] = any - named[name]
  end
  local weak = { __mode = "v" }
  matchers, finders = setmetatable({}, weak), setmetatable({}, weak)
  substitutes = setmetatable({}, weak)
end

re.updatelocale()

-- What the parser calls. `defs` is the table given to `compile`.

local function definition(name, defs)
  local value = defs and defs[name]
  if not value then error("undefined name: " .. name) end
  return value
end

local function named(name, defs)
  local value = defs and defs[name] or classes[name]
  if not value then error("name '" .. name .. "' undefined") end
  return value
end

local function syntax_error(source, position)
  local near = string.sub(source, position, position + 20)
  if #source >= position + 20 then near = near .. "..." end
  error("pattern error near '" .. near .. "'", 0)
end

local function times(pattern, count)
  local result = P(true)
  for _ = 1, tonumber(count) do result = result * pattern end
  return result
end

local function at_least(pattern, count) return pattern ^ tonumber(count) end
local function join(a, b) return a * b end
local function either(a, b) return a + b end
local function produce(pattern, what) return pattern / what end
local function accumulate(pattern, name, defs) return pattern % definition(name, defs) end
local function fold(pattern, name, defs) return Cf(pattern, definition(name, defs)) end
local function at_match(pattern, name, defs) return Cmt(pattern, definition(name, defs)) end

local function produce_named(pattern, name, defs) return pattern / definition(name, defs) end

local function same_text(subject, position, text)
  if tostring(text) ~= text then return nil end
  local last = position + #text
  return string.sub(subject, position, last - 1) == text and last
end

local function repeated(name) return Cmt(Cb(name), same_text) end

-- Names of rules that are used outside a grammar are errors, but what is around them is known last:
-- they are noted in `open`, with their positions, until a grammar around them is complete.
local function rule(position, name, open)
  open[#open + 1] = { position = position, name = name }
  return V(name)
end

local function grammar(position, open, list)
  while #open > 0 and open[#open].position >= position do open[#open] = nil end
  local rules = { list[1] }
  for i = 1, #list, 2 do
    if rules[list[i]] then error("'" .. list[i] .. "' already defined as a rule") end
    rules[list[i]] = list[i + 1]
  end
  return P(rules)
end

local space = locale().space
local blank = (space + "--" * (any - "\n") ^ 0) ^ 0
local letter = R("az", "AZ") + "_"
local name = C(letter * (letter + R("09")) ^ 0)
local arrow = blank * "<-"
local digits = R("09") ^ 1
local text = '"' * C((any - '"') ^ 0) * '"' + "'" * C((any - "'") ^ 0) * "'"
local defs, open = Carg(1), Carg(2)

local defined = "%" * (name * defs) / named
local range = Cs(any * (P("-") / "") * (any - "]")) / R
local item = defined + range + C(any) / P
local class = "["
  * (C(P("^") ^ -1) * (item * (-P("]") * item % either) ^ 0)
    / function(sign, set) return sign == "^" and any - set or set end)
  * "]"

-- What accumulates is in a group: in a table, the value before an accumulator is the table.
local pattern = P({
  "whole",
  whole = V("exp") * (-any + P(syntax_error)),
  exp = blank * (V("grammar") + V("alternative")),
  alternative = Cg(V("sequence") * ("/" * blank * V("sequence") % either) ^ 0),
  sequence = Cg(Cc(P(true)) * (V("prefix") % join) ^ 0)
    * (#(blank * (P("/") + ")" + "}" + ":}" + "~}" + "|}" + name * arrow + -any))
      + P(syntax_error)),
  prefix = "&" * blank * V("prefix") / function(p) return #p end
    + "!" * blank * V("prefix") / function(p) return -p end
    + V("suffix"),
  suffix = Cg(V("primary") * blank * (V("operator") * blank) ^ 0),
  operator = P("+") * Cc(1) % at_least
    + P("*") * Cc(0) % at_least
    + P("?") * Cc(-1) % at_least
    + "^" * (C(digits) % times + C(S("+-") * digits) % at_least)
    + "->" * blank * (text % produce + P("{}") % Ct + (digits / tonumber) % produce
      + name * defs % produce_named)
    + "=>" * blank * (name * defs % at_match)
    + ">>" * blank * (name * defs % accumulate)
    + "~>" * blank * (name * defs % fold),
  primary = "(" * V("exp") * ")"
    + text / P
    + class
    + defined
    + "{:" * (name * ":" * V("exp") / function(n, p) return Cg(p, n) end + V("exp") / Cg) * ":}"
    + "=" * name / repeated
    + P("{}") / Cp
    + "{~" * V("exp") / Cs * "~}"
    + "{|" * V("exp") / Ct * "|}"
    + "{" * V("exp") / C * "}"
    + "." * Cc(any)
    + (Cp() * (name * -arrow + "<" * name * ">") * open) / rule,
  definition = name * arrow * V("exp"),
  grammar = (Cp() * open * Ct(V("definition") ^ 1)) / grammar,
})

function re.compile(source, definitions)
  if type(source) == "pattern" then return source end
  local open_names = {}
  local compiled = match(pattern, source, 1, definitions, open_names)
  if open_names[1] then
    error("rule '" .. open_names[1].name .. "' used outside a grammar")
  end
  return compiled
end

-- The pattern for a source, made of the compiled one and kept in a table.
local function made(known, source, make)
  local pattern = known[source]
  if not pattern then
    pattern = make(re.compile(source))
    known[source] = pattern
  end
  return pattern
end

local function itself(pattern) return pattern end

local function anywhere(pattern)
  return P({ Cp() * (pattern / 0) * Cp() + 1 * V(1) })
end

function re.match(subject, source, position)
  return match(made(matchers, source, itself), subject, position or 1)
end

function re.find(subject, source, position)
  local first, after = match(made(finders, source, anywhere), subject, position or 1)
  if first then return first, after - 1 end
  return first
end

function re.gsub(subject, source, replacement)
  local known = substitutes[source]
  if not known then
    known = setmetatable({}, { __mode = "v" })
    substitutes[source] = known
  end
  local pattern = known[replacement]
  if not pattern then
    pattern = Cs((re.compile(source) / replacement + 1) ^ 0)
    known[replacement] = pattern
  end
  return match(pattern, subject)
end

return re
