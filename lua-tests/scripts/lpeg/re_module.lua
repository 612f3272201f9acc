-- re: every construction, and errors.
local re, lpeg = require "re", require "lpeg"

local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and message:find(text, 1, true), tostring(message))
end

assert(re.match("abc", "'ab'") == 3 and re.match("abc", '"b"', 2) == 3)
assert(re.match("abc", "[a-b]+ . !.") == 4 and re.match("x-]", "[]x-]*") == 4)
assert(re.match("ab", "[^a]") == nil and re.match("b", "[^a]") == 2)
assert(re.match("a1_", "%a %d [%p]") == 4 and re.match("a", "%A") == nil)
assert(re.match("a\n", ". %nl") == 3)
assert(re.match("aaa", "'a'^2") == 3 and re.match("aaa", "'a'^+4") == nil)
assert(re.match("aaa", "'a'^-2") == 3 and re.match("b", "'a'? 'b'") == 2)
assert(re.match("ab", "&'a' . 'b'") == 3 and re.match("ab", "!'a' .") == nil)
assert(re.match("b", "'a' / 'b' / 'c'") == 2)
assert(re.match("abc", "{.} {.}") == "a" and select(2, re.match("abc", "{.} {.}")) == "b")
assert(re.match("abc", ". {} .") == 2)
assert(re.match("abab", "{:x: .. :} =x") == 5 and re.match("abac", "{:x: .. :} =x") == nil)
local t = re.match("k=v", "{| {:key: %w+ :} '=' {%w+} |}")
assert(t.key == "k" and t[1] == "v")
assert(re.match("a-b", "{~ . '-' -> '+' . ~}") == "a+b")
assert(re.match("ab", "({.} {.}) -> '%2%1'") == "ba" and re.match("ab", "({.} {.}) -> 2") == "b")
assert(#re.match("ab", "({.} {.}) -> {}") == 2)
local defs = {
  upper = string.upper, tonumber = tonumber, add = function(a, b) return a + b end,
  names = { a = "alpha" }, digit = lpeg.R("09"),
  even = function(_, _, x) return tonumber(x) % 2 == 0, x end,
}
assert(re.compile("{.} -> upper", defs):match("a") == "A")
assert(re.compile("{.} -> names", defs):match("a") == "alpha")
assert(re.compile("%digit+", defs):match("12a") == 3)
assert(re.compile("{[0-9]+} => even", defs):match("12") == "12")
assert(re.compile("{[0-9]+} => even", defs):match("13") == nil)
local sum = "n ('+' n >> add)*  n <- %d+ -> tonumber"
assert(re.compile("s <- " .. sum, defs):match("1+2+3") == 6)
assert(re.compile("s <- (n ('+' n)*) ~> add  n <- %d+ -> tonumber", defs):match("1+2+3") == 6)
assert(re.match("(a(b))", "p <- '(' ([^()] / p)* ')'") == 7)
assert(re.match("(a)", "p <- '(' ([^()] / <p>)* ')' -- with a comment") == 4)
assert(re.match("xyx", "a <- b c  b <- 'x' c <- 'y' (d <- 'x')") == 4)

local first, last = re.find("the 423", "[0-9]+")
assert(first == 5 and last == 7 and re.find("the", "[0-9]") == nil)
assert(re.find("aXbX", "'X'", 3) == 4)
assert(re.gsub("hello", "[aeiou]", ".") == "h.ll.")
assert(re.gsub("hello", "{.} 'l'", "%1") == "helo" and re.gsub("ab", ".", string.upper) == "AB")
local pattern = re.compile "'x'"
assert(re.compile(pattern) == pattern and re.match("x", pattern) == 2)
re.updatelocale()
assert(re.match("a", "%w") == 2)

fails("rule 'a' used outside a grammar", re.compile, "a")
fails("rule 'b' undefined in given grammar", re.compile, "a <- b")
fails("'a' already defined as a rule", re.compile, "a <- 'x' a <- 'y'")
fails("undefined name: f", re.compile, ". -> f")
fails("name 'f' undefined", re.compile, "%f")
for source, near in pairs { ["'a' -"] = "-", ["('a' - )"] = "- )", ["[a"] = "[a", ["{a"] = "{a",
  [("x"):rep(1) .. " <- 'a' ; 123456789012345678901234567890"] = "; 1234567890123456789..." } do
  local ok, message = pcall(re.compile, source)
  assert(not ok and message == "pattern error near '" .. near .. "'", message)
end
fails("string expected, got nil", re.compile, nil)
fails("string expected, got table", re.match, {}, ".")

-- Functions may wait.
local yields = coroutine.wrap(function()
  return re.gsub("ab", ".", function(x) return coroutine.yield(x) end)
end)
assert(yields() == "a" and yields("1") == "b" and yields("2") == "12")
