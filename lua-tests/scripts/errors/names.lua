-- Messages name the invalid variable, as in PUC Lua.
local function message(text, ...)
  local f = assert(loadstring(text, "=t"))
  local ok, problem = pcall(f, ...)
  assert(not ok, text)
  return problem
end
local cases = {
  { "local x; x.y = 1", "t:1: attempt to index local 'x' (a nil value)" },
  { "return x.y", "t:1: attempt to index global 'x' (a nil value)" },
  { "local t = {} return t.x.y", "t:1: attempt to index field 'x' (a nil value)" },
  { "local x; return function() return x.y end", nil },
  {
    "local x; local function f() return x.y end f()",
    "t:1: attempt to index upvalue 'x' (a nil value)",
  },
  { "undefined()", "t:1: attempt to call global 'undefined' (a nil value)" },
  { "local t = {} t.f()", "t:1: attempt to call field 'f' (a nil value)" },
  { "local t = {} t:m()", "t:1: attempt to call method 'm' (a nil value)" },
  {
    "local a = {} return a + 1",
    "t:1: attempt to perform arithmetic on local 'a' (a table value)",
  },
  {
    "local a = {} return 1 + a.x",
    "t:1: attempt to perform arithmetic on field 'x' (a nil value)",
  },
  { "local a return a .. 'x'", "t:1: attempt to concatenate local 'a' (a nil value)" },
  { "return {} .. 'x'", "t:1: attempt to concatenate a table value" },
  { "return #5", "t:1: attempt to get length of a number value" },
  { "local n return #n", "t:1: attempt to get length of local 'n' (a nil value)" },
  { "return -{}", "t:1: attempt to perform arithmetic on a table value" },
  { "return 1 < '2'", "t:1: attempt to compare number with string" },
  { "return {} < {}", "t:1: attempt to compare two table values" },
  { "return nil > 1", "t:1: attempt to compare number with nil" },
  { "for i = 'a', 2 do end", "t:1: 'for' initial value must be a number" },
  { "for i = 1, {} do end", "t:1: 'for' limit must be a number" },
  { "for i = 1, 2, {} do end", "t:1: 'for' step must be a number" },
  { "local t = {} t[nil] = 1", "t:1: table index is nil" },
  { "local t = {} t[0/0] = 1", "t:1: table index is NaN" },
  { "string.rep()", "t:1: bad argument #1 to 'rep' (string expected, got no value)" },
  { "('x'):rep({})", "t:1: bad argument #1 to 'rep' (number expected, got table)" },
  { "setmetatable(1, {})", "t:1: bad argument #1 to 'setmetatable' (table expected, got number)" },
  { "local s = string.sub s({})", "t:1: bad argument #1 to 's' (string expected, got table)" },
  { "error('m')", "t:1: m" },
  { "error('m', 0)", "m" },
  { "error('m', 2)", "m" },
  { "assert(false)", "t:1: assertion failed!" },
  { "assert(nil, 'said')", "t:1: said" },
  { "return math.floor('x')", "t:1: bad argument #1 to 'floor' (number expected, got string)" },
  { "local t = {} return t[1].x", "t:1: attempt to index field '?' (a nil value)" },
  {
    "local t, k = {}, 'x' return t[k] + 1",
    "t:1: attempt to perform arithmetic on field '?' (a nil value)",
  },
  {
    "local t = {} return 'x' .. t[2] .. 'y'",
    "t:1: attempt to concatenate field '?' (a nil value)",
  },
  { "local t = {} t[1]()", "t:1: attempt to call field '?' (a nil value)" },
  { "tonumber({}, 99)", "t:1: bad argument #1 to 'tonumber' (string expected, got table)" },
  -- An error that the interpreter raises for a native has no position.
  { "next({}, 'x')", "invalid key to 'next'" },
  { "rawset({}, nil, 1)", "table index is nil" },
  { "table.sort({1, 'x'})", "attempt to compare string with number" },
  -- `wrap` also reports where the coroutine was resumed.
  { "coroutine.wrap(function()\nerror('m') end)()", "t:2: t:2: m" },
  { "local f = coroutine.wrap(function()\nerror(7) end)\nf()", "t:3: t:2: 7" },
  { "local f = coroutine.wrap(function()\nerror(7, 0) end)\nf()", "t:3: 7" },
  { "coroutine.resume(1)", "t:1: bad argument #1 to 'resume' (coroutine expected)" },
  { "\n\nlocal x = nil\nx()", "t:4: attempt to call local 'x' (a nil value)" },
  -- The value of `and` and `or` has no name if a comparison may be it.
  {
    "local x, v = nil, {} return (x ~= nil or v) % 2",
    "t:1: attempt to perform arithmetic on a table value",
  },
  {
    "local x, v = 1, {} return (x == 1 and v) % 2",
    "t:1: attempt to perform arithmetic on a table value",
  },
  {
    "local x, v = 1, {} return (x < 1 or v.x) % 2",
    "t:1: attempt to perform arithmetic on a nil value",
  },
  {
    "local x, v = 1, {} return (x < 1 or x == 2 or v) % 2",
    "t:1: attempt to perform arithmetic on a table value",
  },
  {
    "local x, v = 1, {} return (x < 1 and x > 5 or v) % 2",
    "t:1: attempt to perform arithmetic on local 'v' (a table value)",
  },
  {
    "local x, v = 1, {} return (x < 1 and v or v) % 2",
    "t:1: attempt to perform arithmetic on local 'v' (a table value)",
  },
}
for _, case in ipairs(cases) do
  if case[2] then
    local got = message(case[1])
    assert(got == case[2], case[1] .. ": " .. tostring(got))
  end
end
