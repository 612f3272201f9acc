-- Statements, operators and expressions, each once in an ordinary and once in an odd form.

-- assignment: values first, then stores from right to left
local i, a = 1, {}
i, a[i] = i + 1, 20
assert(i == 2 and a[1] == 20 and a[2] == nil)
local x, y, z = (function() return 1, 2, 3 end)()
assert(x == 1 and y == 2 and z == 3)
x, y = y, x
assert(x == 2 and y == 1)
local p, q = ((function() return 1, 2 end)())
assert(p == 1 and q == nil)

-- numeric for: bounds once, own copy of the variable, steps of both signs and fractions
local n = 0
for k = 1, 3 do n = n + k k = 100 end
assert(n == 6)
for k = 3, 1 do error("must not run") end
n = 0
for k = 3, 1, -1 do n = n * 10 + k end
assert(n == 321)
n = 0
for k = 0, 1, 0.25 do n = n + 1 end
assert(n == 5)
for k = "1", "2" do n = n + k end
assert(n == 8)

-- closures capture variables, not values; each round of a loop has its own
local closures = {}
for k = 1, 3 do
  local m = k * 10
  closures[k] = { get = function() return m + k end, set = function(v) m = v end }
end
closures[2].set(0)
assert(closures[1].get() == 11 and closures[2].get() == 2 and closures[3].get() == 33)
local function counter()
  local count = 0
  return function() count = count + 1 return count end, function() return count end
end
local bump, look = counter()
bump() bump()
assert(look() == 2)

-- while, repeat (whose condition sees the body's locals), break, goto
n = 0
while true do n = n + 1 if n > 4 then break end end
assert(n == 5)
repeat local stop = n == 7 n = n + 1 until stop
assert(n == 8)
do
  local seen = {}
  for k = 1, 5 do
    if k % 2 == 0 then goto continue end
    seen[#seen + 1] = k
    ::continue::
  end
  assert(#seen == 3)
  local k = 1
  ::top::
  if k < 5 then k = k * 2 goto top end
  assert(k == 8)
end

-- varargs
local function va(...)
  local first, second = ...
  return select("#", ...), first, second, ...
end
assert(select("#", va()) == 3 and select("#", va(nil, nil)) == 5)
assert((select(4, va(7, 8))) == 7)
local function old(...) return arg.n, arg[1] end
assert(old(5, 6) == 2)
local packed = { va(1, 2), va(1, 2) }
assert(#packed == 6)

-- and, or, not: values, short circuits, in conditions and outside
local function boom() error("evaluated") end
assert((nil and boom()) == nil and (false or 5) == 5 and (1 or boom()) == 1
  and (nil == false) == false)
assert((1 and nil) == nil and not nil and not not 1 and (false or nil) == nil)
local function pick(c) return c and "yes" or "no" end
assert(pick(0) == "yes" and pick(nil) == "no")
local t = 1 < 2
assert(t == true and (2 < 1) == false and ("a" < "b") and ("a" <= "a") and not ("b" < "a")
  and ("" < "a"))
assert(not (0/0 == 0/0) and 0/0 ~= 0/0 and not (0/0 < 1) and not (0/0 >= 1))

-- arithmetic and its corner cases
assert(7 % 3 == 1 and -7 % 3 == 2 and 7 % -3 == -2 and 5.5 % 2 == 1.5 and 2 ^ 10 == 1024
  and 2 ^ 3 ^ 2 == 512 and -2 ^ 2 == -4)
assert("10" + 5 == 15 and "0x10" * 1 == 16 and 10 .. "" == "10" and 1e15 .. "" == "1e+15"
  and 2 ^ 53 .. "" == "9.007199254741e+15")
assert(1 / 0 == math.huge and -1 / 0 == -math.huge and 3 / 2 == 1.5 and 1 .. 2 == "12")
assert(tostring(0.1) == "0.1" and tostring(1 / 3) == "0.33333333333333" and tostring(-0.0) == "-0"
  and tostring(1e100) == "1e+100")

-- strings and numerals
assert("\65\066\x43\u{48}\z
        D" == "ABCHD" and '\'' == "'" and [[
x]] == "x" and [==[a]]b]==] == "a]]b" and #"\0\0" == 2)
assert(0xff == 255 and 1e2 == 100 and .5 == 0.5 and 3. == 3)

-- tables
local keys = { 10, 20, [3] = 30, x = 1, ["y z"] = 2, [1.5] = 3, [true] = 4, 40; 50 }
assert(#keys == 4 and keys[3] == 40 and keys.x == 1 and keys["y z"] == 2 and keys[1.5] == 3
  and keys[true] == 4)
assert(keys[1.0] == 10 and keys[-0] == nil)
keys.text = { repeat_ = 1, ["repeat"] = 2, ["end"] = 3 }
assert(keys.text.repeat == 2 and keys.text.end == 3)
local function f(t) return #t end
assert(f { 1, 2 } == 2 and f { n = 1 } == 0 and type "x" == "string")
local big = {}
for k = 1, 1000 do big[k] = k end
for k = 1, 999 do big[k] = nil end
local count = 0
for _ in pairs(big) do count = count + 1 end
assert(count == 1)

-- methods
local object = { v = 1 }
function object:add(d) self.v = self.v + d return self end
function object.plain(d) return d end
object.inner = {}
function object.inner.f() return "inner" end
function object.inner:m() return self == object.inner end
assert(object:add(1):add(2).v == 4 and object.plain(3) == 3 and object.inner.f() == "inner"
  and object.inner:m())

-- tail calls need no stack, of natives neither
local function down(k) if k == 0 then return "bottom" end return down(k - 1) end
assert(down(1e5) == "bottom")
local function native(k) return select(2, k, "tail") end
assert(native(1) == "tail")

-- environments
local env = { result = 0 }
local chunk = assert(loadstring("result = result + 1 return result"))
setfenv(chunk, env)
assert(chunk() == 1 and env.result == 1 and result == nil and getfenv(chunk) == env)

-- The remainder of -0 is 0.
do
  local zero = tonumber("-0")
  assert(1 / (zero % 5) == math.huge and 1 / (zero % -5) == math.huge and 1 / zero == -math.huge)
end
