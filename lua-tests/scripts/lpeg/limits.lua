-- lpeg: memory and depth. What a match needs counts towards the memory limit.
-- options: -timeout 60s -memory-limit 48
-- whole slices: long matches take too long with a budget of 1
local lpeg = require "lpeg"
local P, S, V, C, Ct, Cp, Cmt = lpeg.P, lpeg.S, lpeg.V, lpeg.C, lpeg.Ct, lpeg.Cp, lpeg.Cmt

local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and message:find(text, 1, true), tostring(message))
end

-- The stack
lpeg.setmaxstack(1e9)
local nested = P { "a" * V(1) * "b" + "" }
fails("not enough memory", nested.match, nested, ("a"):rep(5e6))
assert(nested:match(("a"):rep(1e5) .. ("b"):rep(1e5)) == 2e5 + 1)
lpeg.setmaxstack(400)

-- Captures and values
local text = ("x"):rep(5e6)
local all = Ct(Cp() * 1) ^ 0
fails("not enough memory", all.match, all, text)
fails("not enough memory", lpeg.match, Ct((C(1) * Cp()) ^ 0), text)
fails("not enough memory", lpeg.match, lpeg.Cs((P(1) / "1234567890123456") ^ 0), text)
local kept = Cmt(1, function(_, _, x) return true, x .. ("y"):rep(1000) end) ^ 0
fails("not enough memory", kept.match, kept, ("x"):rep(1e5))

-- Patterns
fails("", function()
  local p = P "abc" * 1
  for _ = 1, 100 do p = p * p end
end)
fails("pattern code too large", function() return P "ab" ^ 1e9 end)
assert(P(1e9):match("x") == nil)
local p = P "abcdefgh" + "x"
for _ = 1, 12 do p = p * p end
assert(p:match(("abcdefgh"):rep(4096)) == 8 * 4096 + 1)

-- Patterns may be nested to any depth.
local deep = P "a"
for _ = 1, 5000 do deep = #deep * "a" end
assert(deep:match("a") == 2 and not deep:match("b"))
deep = P "a"
for _ = 1, 150 do deep = -(-deep) end
assert(deep:match("a") == 1)
for _ = 1, 5000 do deep = -(-deep) end
fails("stack overflow", deep.match, deep, "a")
deep = C(1)
for _ = 1, 5000 do deep = C(deep) end
fails("subcapture nesting too deep", deep.match, deep, "a")
deep = P "a"
for _ = 1, 3000 do deep = P { deep } end
assert(deep:match("a") == 2)

-- What is no longer used is freed.
for _ = 1, 300 do
  local t = Ct(C(1) ^ 0):match(("z"):rep(1e5))
  assert(#t == 1e5)
end
