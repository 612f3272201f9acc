-- Common uses of the libraries.
local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and tostring(message):find(text, 1, true), tostring(message))
end

-- base
assert(tonumber("  12  ") == 12 and tonumber("z", 36) == 35 and tonumber("8", 8) == nil
  and tonumber("") == nil and tonumber("1 2") == nil)
assert(tonumber("ff", 16) == 255 and tonumber("-ff", 16) == -255 and tonumber({}) == nil
  and tonumber("1e1") == 10)
assert(select("#") == 0 and select(-1, 1, 2) == 2 and rawequal("a", "a") and not rawequal({}, {}))
assert(next({}) == nil and rawget(setmetatable({}, { __index = { 1 } }), 1) == nil)
assert(getmetatable(setmetatable({}, { __metatable = "locked" })) == "locked")
fails("protected metatable", setmetatable, setmetatable({}, { __metatable = 1 }), {})
assert(type(print) == "function" and _G._G == _G and _VERSION == "Lua 5.1")
assert(loadstring("return 1 +") == nil and select(2, loadstring("x =", "=name")):find("name:1:"))
assert(load(function() end)() == nil and load("return ...", "x", "t", {})(5) == 5)
assert(select(2, load("\27Lua")):find("precompiled"))
-- Errors in a reader are returned, not raised.
local loaded, why = load(function() return {} end)
assert(loaded == nil and why == "reader function must return a string")
local thrown = {}
loaded, why = load(function() error(thrown) end)
assert(loaded == nil and why == thrown)
assert(pcall(error) == false and select(2, pcall(error, nil)) == nil)

-- string
assert(("hello"):sub(2, -2) == "ell" and ("hello"):sub(-3) == "llo" and ("x"):sub(5) == ""
  and ("abc"):byte(-1) == 99)
assert(("ab"):rep(3, ",") == "ab,ab,ab" and ("abc"):reverse() == "cba" and ("aBc"):upper() == "ABC"
  and #("\0"):rep(5) == 5)
assert(string.char(72, 105) == "Hi" and ("abc"):len() == 3)
assert(("hello world"):find("o w") == 5 and ("a.b"):find(".", 1, true) == 2
  and ("abc"):find("b", -1) == nil)
assert(("key = value"):match("^(%w+)%s*=%s*(%w+)$") == "key" and ("x"):match("()x()") == 1)
assert(("hello"):gsub("l", { l = "L" }) == "heLLo" and ("abc"):gsub("%w", "%0%0", 2) == "aabbc"
  and ("abc"):gsub("", "-") == "-a-b-c-")
assert(("f(a(b)c)d"):match("%b()") == "(a(b)c)"
  and ("THE (quick) fox"):find("%f[%a]%a+%f[%A]") == 1)
local words = {}
for w in ("one two  three"):gmatch("%S+") do words[#words + 1] = w end
assert(table.concat(words, "|") == "one|two|three")
assert(("%d %5.2f %s %q %x %c %%"):format(42, math.pi, "s", 'a"b', 255, 65)
  == '42  3.14 s "a\\"b" ff A %')
fails("invalid option '%y' to 'format'", string.format, "%y", 1)
fails("malformed pattern", string.find, "a", "[a")
fails("invalid capture index", string.gsub, "a", "a", "%2")

-- table
local t = { 5, 2, 8, 1 }
table.sort(t)
assert(table.concat(t, ",") == "1,2,5,8")
table.sort(t, function(a, b) return a > b end)
assert(table.concat(t, ",", 2, 3) == "5,2")
table.insert(t, 9) table.insert(t, 1, 0) table.insert(t, 3, 7)
assert(table.concat(t, " ") == "0 8 7 5 2 1 9" and table.remove(t) == 9 and table.remove(t, 1) == 0
  and #t == 5)
assert(table.remove({}) == nil and table.maxn({ [3.5] = 1, [2] = 1 }) == 3.5)
assert(table.pack(1, nil, 3).n == 3 and select("#", table.unpack({ 1, nil, 3 }, 1, 3)) == 3)
assert(table.concat(table.move({ 1, 2, 3 }, 1, 3, 2), ",") == "1,1,2,3")
fails("invalid value (table) at index 1 in table for 'concat'", table.concat, { {} })
local random = {}
for i = 1, 500 do random[i] = math.random(1000) end
table.sort(random)
for i = 2, 500 do assert(random[i - 1] <= random[i]) end

-- math
assert(math.floor(-3.5) == -4 and math.ceil(-3.5) == -3 and math.max(1, 5, 3) == 5
  and math.min(2, 1) == 1)
assert(math.fmod(-7, 3) == -1 and select(2, math.modf(3.25)) == 0.25 and math.abs(-2) == 2
  and math.sqrt(16) == 4)
assert(math.frexp(8) == 0.5 and math.ldexp(0.5, 4) == 8 and math.log(8, 2) == 3
  and math.huge > 1e308)
for _ = 1, 100 do
  local r, k = math.random(), math.random(3)
  assert(r >= 0 and r < 1 and k >= 1 and k <= 3 and k % 1 == 0)
end
fails("interval is empty", math.random, 0)

-- coroutine
local co = coroutine.create(function(a) local b = coroutine.yield(a + 1) return a + b end)
assert(select(2, coroutine.resume(co, 1)) == 2 and coroutine.status(co) == "suspended")
assert(select(2, coroutine.resume(co, 10)) == 11 and coroutine.status(co) == "dead")
assert(select(2, coroutine.resume(co)) == "cannot resume dead coroutine")
assert(coroutine.running() == nil
  and coroutine.wrap(function() return coroutine.running() end)() ~= nil)
local gen = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end)
assert(gen() == 1 and gen() == 2 and gen() == 3 and gen() == nil)
fails("cannot resume dead coroutine", gen)
fails("attempt to yield from outside a coroutine", coroutine.yield)

-- weak tables and finalizers
local weak = setmetatable({}, { __mode = "k" })
weak[{}] = 1
collectgarbage()
assert(next(weak) == nil)
local finalized = 0
do
  local proxy = newproxy(true)
  getmetatable(proxy).__gc = function() finalized = finalized + 1 end
end
collectgarbage()
assert(finalized == 1 and collectgarbage("count") > 0)
