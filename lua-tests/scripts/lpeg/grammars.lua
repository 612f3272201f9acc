-- lpeg: grammars; what LPeg refuses in them; the limit of the stack.
local lpeg = require "lpeg"
local P, S, R, V, C, Ct = lpeg.P, lpeg.S, lpeg.R, lpeg.V, lpeg.C, lpeg.Ct

local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and message:find(text, 1, true), tostring(message))
end

local balanced = P { "S", S = "(" * (V "S" + (1 - S "()")) ^ 0 * ")" }
assert(balanced:match("(a(b)(c))x") == 10 and balanced:match("(a") == nil)
-- The first rule may have any name, or be number 1.
assert(P { V "x", x = P "a" }:match("a") == 2)
assert(P { 2, P "b" }:match("b") == 2)
assert(P { "x", x = V(print), [print] = P "a" }:match("a") == 2)
-- Grammars in grammars have their own rules.
local nested = P { "a", a = "x" * P { "a", a = "y" * V "a" + "z" } * V "b", b = P "!" }
assert(nested:match("xyyz!") == 6)
-- Two rules that call each other
local even = P { "e", e = "0" * V "o" + -P(1), o = "0" * V "e" }
assert(even:match(("0"):rep(5000)) and not even:match(("0"):rep(5001)))

local number = C(R "09" ^ 1) / tonumber
local function calculate(a, operator, b)
  if operator == "+" then return a + b elseif operator == "-" then return a - b end
  if operator == "*" then return a * b end
  return a / b
end
local expression = P {
  "sum",
  sum = V "product" * (C(S "+-") * V "product" % calculate) ^ 0,
  product = V "value" * (C(S "*/") * V "value" % calculate) ^ 0,
  value = number + "(" * V "sum" * ")",
} * -1
assert(expression:match("2*(3+4)-10/5") == 12)

local list = P { Ct("(" * (V(1) + C(R "az" ^ 1) + " ") ^ 0 * ")") }
local t = list:match("(a (b c) d)")
assert(t[1] == "a" and t[2][1] == "b" and t[2][2] == "c" and t[3] == "d" and #t == 3)

fails("rule 'x' used outside a grammar", lpeg.match, V "x", "")
fails("rule 'x' undefined in given grammar", P, { V "x" })
fails("rule '(a table)' undefined in given grammar", P, { V {} })
fails("rule 'A' is not a pattern", P, { P(1), A = {} })
fails("initial rule '1' is not a pattern", P, { true })
fails("grammar has no initial rule", P, {})
fails("grammar has no initial rule", P, { "x" })
fails("rule '1' may be left recursive", P, { V(1) * "a" })
fails("rule 'x' may be left recursive", P, { "x", x = P "a" ^ -1 * V "x" })
fails("rule 'y' may be left recursive", P, { "x", x = "a" + V "y", y = -P "a" * V "y" })
fails("empty loop in rule 'x'", P, { "x", x = V "y" ^ 0, y = P "a" ^ 0 })
-- A rule that no other one calls is not checked.
assert(P { "x", x = P "a", y = V "z" ^ 0, z = P "" }:match("a") == 2)
fails("non-nil value expected", V, nil)

local many = { V(1000), C "x" }
for i = 3, 1000 do many[i] = V(i - 1) end
assert(P(many):match("x") == "x")
many[1001] = P "x"
fails("grammar has too many rules", P, many)
-- The other way round, each rule is known last.
many = { V(2) }
for i = 2, 999 do many[i] = V(i + 1) end
many[1000] = C "x"
assert(P(many):match("x") == "x")

local right = P { "a" * V(1) * "b" + "" }
fails("backtrack stack overflow (current limit is 400)", right.match, right, ("a"):rep(1000))
lpeg.setmaxstack(10000)
assert(right:match(("a"):rep(4000) .. ("b"):rep(4000)) == 8001)
fails("backtrack stack overflow (current limit is 10000)", right.match, right, ("a"):rep(1e5))
lpeg.setmaxstack(1e6)
assert(right:match(("a"):rep(1e5) .. ("b"):rep(1e5)) == 2e5 + 1)
lpeg.setmaxstack(400)
-- Calls at the end of a rule are jumps.
assert(P { "a" * V(1) + "b" }:match(("a"):rep(1e5) .. "b") == 1e5 + 2)
fails("(out of range)", lpeg.setmaxstack, 0)
