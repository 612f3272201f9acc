-- lpeg: every kind of capture, in each other; their errors.
local lpeg = require "lpeg"
local P, S, R, V = lpeg.P, lpeg.S, lpeg.R, lpeg.V
local C, Cc, Cp, Ct, Cs, Cg, Cb = lpeg.C, lpeg.Cc, lpeg.Cp, lpeg.Ct, lpeg.Cs, lpeg.Cg, lpeg.Cb
local Cf, Cmt, Carg = lpeg.Cf, lpeg.Cmt, lpeg.Carg

local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and message:find(text, 1, true), tostring(message))
end
-- The results of a match, as text
local function result(pattern, subject, ...)
  local values = { n = select("#", lpeg.match(pattern, subject, ...)),
    lpeg.match(pattern, subject, ...) }
  for i = 1, values.n do
    local value = values[i]
    if type(value) == "table" then
      local parts = {}
      for index = 1, #value do parts[index] = tostring(value[index]) end
      value = "{" .. table.concat(parts, ",") .. "}"
    end
    values[i] = tostring(value)
  end
  return table.concat(values, " ")
end
local function is(expected, pattern, subject, ...)
  local got = result(pattern, subject, ...)
  assert(got == expected, got .. " is not " .. expected)
end

local letter = R "az"
is("abc", C(letter ^ 1), "abc1")
is("abc a bc", C(C(1) * C(2)), "abc")
is("1 4", Cp() * letter ^ 1 * Cp(), "abc")
is("x nil 1", Cc("x", nil, 1), "")
is("1", Cc(), "")
is("arg nil", Carg(1) * Carg(2), "", 1, "arg", nil)
fails("reference to absent extra argument #3", lpeg.match, Carg(3), "", 1, 1, 2)
fails("invalid argument index", Carg, 0)
is("nil", C "x", "y")

-- Tables
is("{a,b,c}", Ct(C(letter) ^ 0), "abc")
is("{}", Ct(letter ^ 0), "abc")
local t = Ct(Cg(C(1), "first") * Cg(1, "second") * C(1) * Cg(Cc(nil), "none")):match("xyz")
assert(t.first == "x" and t.second == "y" and t[1] == "z" and next(t, next(t)) ~= nil)
t = Ct(Ct(C(1)) * Ct(Ct(C(1)))):match("ab")
assert(t[1][1] == "a" and t[2][1][1] == "b")
assert(#Ct(C(1) ^ 0):match(("x"):rep(1e5)) == 1e5)
fails("table index is NaN", lpeg.match, Ct(Cg(1, 0 / 0)), "a")

-- Groups and references to them
is("a b", Cg(C(1) * C(1)), "ab")
is("a", Cg(1), "a")
is("2", Cg(C(1), "n"), "a")
is("a", Cg(C(1), "n") * Cb "n", "a")
is("b", Cg(C(1), "n") * Cg(C(1), "n") * Cb "n", "ab")
is("a b a b", Cg(C(1) * C(1), 1) * Cb(1) * Cb(1), "ab")
is("{a} a", Cg(C(1), "n") * Ct(Cb "n") * Cb "n", "a")
fails("back reference 'n' not found", lpeg.match, Cb "n", "")
fails("back reference 'n' not found", lpeg.match, Cg(Cb "n", "n") * Cb "n", "")
fails("back reference 'n' not found", lpeg.match, C(Cg(1, "n")) * Cb "n", "a")
-- Long brackets: the closing one has as many signs as the opening one.
local open = "[" * Cg(P "=" ^ 0, "signs") * "["
local close = "]" * C(P "=" ^ 0) * "]"
local same = Cmt(close * Cb "signs", function(_, _, a, b) return a == b end)
local bracket = open * C((P(1) - same) ^ 0) * close / 1
is("a]]b]=]c", bracket, "[==[a]]b]=]c]==]")

-- Functions, tables, numbers, strings
is("3", C(1) ^ 0 / function(...) return select("#", ...) end, "abc")
is("abc", P(3) / function(...) return ... end, "abc")
is("4", P(3) / function() end, "abc")
is("a aa b bb", (C(1) / function(x) return x, x .. x end) ^ 0, "ab")
is("1 x", (C(1) / { a = 1 }) * (C(1) / { b = nil } + Cc "y") * Cc "x", "ab")
is("value", C(1) * C(1) / { a = "value" }, "ab")
is("2", P "a" / {}, "a")
is("indexed a", P "a" / setmetatable({}, { __index = function(_, k) return "indexed " .. k end }),
  "a")
fails("index failed", lpeg.match,
  P "a" / setmetatable({}, { __index = function() error "index failed" end }), "a")
is("b", C(1) * C(1) / 2, "ab")
is("3", C(1) * C(1) / 0, "ab")
fails("no capture '3'", lpeg.match, C(1) * C(1) / 3, "ab")
fails("invalid number", function() return P(1) / -1 end)
fails("unexpected nil as 2nd operand to LPeg '/'", function() return P(1) / nil end)
is("<ab>", P(2) / "<%0>", "ab")
is("b-a %", C(1) * C(1) / "%2-%1 %%", "ab")
is("ab-a-b", C(C(1) * C(1)) / "%1-%2-%3", "ab")
is("7a", Cc(7) * C(1) / "%1%2", "a")
is("8", C(1) ^ 0 / "%8", "123456789012")
is("x", Ct(1) * C(1) / "x", "ab")
fails("invalid capture index (2)", lpeg.match, C(1) / "%2", "a")
fails("invalid capture value (a table)", lpeg.match, Ct(1) / "%1", "a")
fails("no values in capture index 1", lpeg.match, (P(1) / 0) / "%1", "a")

-- Substitutions
is("a.b", Cs(C(1) * (P "-" / ".") * 1), "a-b")
is("ABc", Cs((R "ab" / string.upper + 1) ^ 0), "abc")
is("<a><b>c", Cs(((P "a" + "b") / "<%0>" + 1) ^ 0), "abc")
is("1b", Cs(Cc(1) * P(1) / 1 * P(1)), "ab")
is("[<b>]c", Cs((Cs(P "a" / "[" * (P "b" / "<%0>") * (P "c" / "]"))) * 1), "abcc")
is("xx", Cs((P(1) / { a = "x", b = false }) ^ 0), "aa")
is("b", Cs((P(1) / { a = "x", b = nil }) ^ 0), "b")
is("a b", Cs("a" * Cc " " * (C(1))), "ab")
fails("invalid replacement value (a table)", lpeg.match, Cs(Ct(1)), "a")
local text = ("ab"):rep(1e5)
assert(#Cs((P "a" / "xyz" + 1) ^ 0):match(text) == 4e5)

-- Folds and accumulators
local function add(a, b) return a + b end
local number = C(R "09" ^ 1) / tonumber
is("60", Cf(number * ("," * number) ^ 0, add), "10,20,30")
is("60", number * ("," * number % add) ^ 0, "10,20,30")
is("1", Cf(Cc(1, 2, 3), error), "")
is("X", C(1) * (P "!" % function(x, mark) return mark == "!" and x:upper() end), "x!")
is("{5}", Cg(number * ("," * number % add) ^ 0) / function(x) return { x } end, "2,3")
local set = Ct "" * (Cg(C(letter) * "=" * C(letter)) * P ";" ^ -1 % rawset) ^ 0
t = set:match("a=b;c=d")
assert(t.a == "b" and t.c == "d")
fails("no initial value for fold capture", lpeg.match, Cf(P "a", add), "a")
fails("no previous value for accumulator capture", lpeg.match, P "a" % add, "a")
fails("invalid context for an accumulator capture", lpeg.match, Cs(C(1) * (C(1) % add)), "ab")

-- Captures do not survive predicates and failed alternatives.
is("2", #C(1) * 1, "a")
is("1", -(C "b"), "a")
is("b", C "a" * C "x" + 1 * C "b", "ab")
is("a", (C "a" * C "b") ^ 0 * C "a", "a")

-- Functions that are called during the match
is("c", Cmt(1, function(s, i) return i + 1, s:sub(3, 3) end), "abc")
is("2 1 2", Cmt(C(1), function(_, _, x) return true, x and 1, 2 end) / function(a, b)
  return 2, a, b end, "a")
is("nil", Cmt(1, function() return false, 1 end), "a")
is("x", Cmt(1, function() return nil end) + Cc "x", "a")
is("a|b", Cmt(C(1) * Cmt(C(1), function(_, _, b) return true, "|" .. b end),
  function(_, _, a, b) return true, a .. b end), "ab")
is("A1 b", (Cmt(C "a", function(_, _, a) return true, a:upper(), 1 end) / function(x, n)
  return x .. n end) * C "b", "ab")
is("XbX", Cs((Cmt("a", function() return true, "X" end) + 1) ^ 0), "aba")
is("{1,2,3}", Ct(Cmt("", function() return true, 1, 2, 3 end)), "")
for _, position in ipairs { 0, 1, 5, 1e10, -1, {} } do
  fails("invalid position returned by match-time capture", lpeg.match,
    P "a" * P(function() return position end), "abc")
end
is("4", P "a" * P(function() return "4" end), "abc")
-- What a function returned is dropped with its match.
local weak = setmetatable({}, { __mode = "k" })
local failing = Cmt(1, function()
  local object = {}
  weak[object] = true
  return true, object
end) * "x"
assert(((failing + 1) ^ 0 * Cmt("", function()
  collectgarbage()
  return next(weak) == nil
end)):match("abc") == 4)
fails("function expected, got number", Cmt, 1, 2)
fails("function expected, got nil", Cf, 1, nil)

-- Nesting has a limit, as in LPeg; a long list has none.
local deep = C(1)
for _ = 1, 150 do deep = Ct(deep) end
t = deep:match("x")
for _ = 1, 150 do t = t[1] end
assert(t == "x")
for _ = 1, 100 do deep = Ct(deep) end
fails("subcapture nesting too deep", deep.match, deep, "x")

-- Lua values: at most 65,535
local function constants(first, last)
  if first == last then return Cc(first) end
  local middle = math.floor((first + last) / 2)
  return constants(first, middle) * constants(middle + 1, last)
end
local all = constants(1, 2 ^ 16 - 1)
t = Ct(all):match("")
assert(#t == 2 ^ 16 - 1 and t[40000] == 40000)
fails("too many Lua values in pattern", function() return all * Cc(1) end)

-- A pattern whose values a program has taken away
local broken = C(1) / string.upper
debug.setfenv(broken, {})
assert(not pcall(broken.match, broken, "a"))
