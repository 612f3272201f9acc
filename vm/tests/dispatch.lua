-- Every opcode, in functions that are run many times. Each checks itself: a wrong result is an
-- error.
local function check(condition, what)
  if not condition then wrong(what) end
end

local a_number, a_string, a_nil, a_true = 5, "text", nil, true
globe = 1

local function loads()
  local a, b, c, d = a_number, nil, nil, nil
  local e, f, g = "constant", true, false
  a, e = e, a
  check(a == "constant" and e == 5 and f == true and g == false and b == nil and d == c, "loads")
end

local function upvalues_and_globals()
  a_number = a_number + 1
  a_number = a_number - 1
  globe = globe + 1
  globe = globe - 1
  local closures = {}
  for i = 1, 3 do
    local j = i
    closures[i] = function() j = j + 1 return j end
  end
  check(closures[1]() == 2 and closures[1]() == 3 and closures[3]() == 4 and globe == 1, "closures")
end

local methods = {add = function(self, x) self.sum = self.sum + x return self end}
methods.__index = methods
methods.__call = function(self, x, y) return x, y, self.sum end
methods.__add = function(left, right) return 17 end
methods.__lt = function(left, right) return true end
methods.__le = function(left, right) return false end
methods.__eq = function(left, right) return true end
methods.__concat = function(left, right) return "joined" end
methods.__unm = function() return "negative" end

local function values(...) return ... end

local function tables(k)
  local t = {}
  local u = {1, 2, k, x = 1, y = k}
  local v = {values(1, 2, 3)}
  local copied = {1, 2, 3, four = 4}
  t[1], t[k], t.x = 3, 4, 5
  t.x = t.x + t[1] + t[k] + copied.four + #v + #"abc"
  u[k] = u[1]
  check(t.x == 22 and u[k] == 1 and u.y == k and t.absent == nil and v[3] == 3, "tables")
  local object = setmetatable({sum = 0}, methods)
  check(object:add(1):add(2).sum == 3 and object.absent == nil, "methods")
  local x, y, z = object(8, 9)
  check(x == 8 and y == 9 and z == 3, "__call")
  local other = setmetatable({}, methods)
  check(object + 1 == 17 and -object == "negative" and object .. "x" == "joined"
    and "x" .. object == "joined", "metamethods")
  check(object < other and not (object <= other) and object == other and not (object ~= other),
    "comparing metamethods")
  local less, not_less = object < other, object <= other
  check(less and not not_less, "comparing metamethods as values")
end

local function arithmetic(x, y)
  check(x + y == 9 and x - y == 5 and x * y == 14 and x / y == 3.5 and x % y == 1 and x ^ y == 49,
    "registers")
  check(x + 2 == 9 and x - 2 == 5 and x * 2 == 14 and x / 2 == 3.5 and x % 4 == 3 and x ^ 2 == 49,
    "constants right")
  check(2 + x == 9 and 2 - x == -5 and 2 * x == 14 and 14 / x == 2 and 9 % x == 2 and 2 ^ x == 128,
    "constants left")
  check(-x == -7 and not a_nil and not not x and x .. y .. "z" == "72z" and "7" + y == 9, "unary")
end

local function comparisons(x, y)
  local n = 0
  if x < y then n = n + 1 end
  if x < 3 then n = n + 1 end
  if 3 < x then n = n + 1 end
  if x <= y then n = n + 1 end
  if x <= 3 then n = n + 1 end
  if 3 <= x then n = n + 1 end
  if not (x < y) then n = n + 1 end
  if not (x < 3) then n = n + 1 end
  if not (3 < x) then n = n + 1 end
  if not (x <= y) then n = n + 1 end
  if not (x <= 3) then n = n + 1 end
  if not (3 <= x) then n = n + 1 end
  if x < y or x > 5 then n = n + 1 end
  if x < 3 or n < 0 then n = n + 1 end
  if 3 < x or n < 0 then n = n + 1 end
  if x <= y or n < 0 then n = n + 1 end
  if x <= 3 or n < 0 then n = n + 1 end
  if 3 <= x or n < 0 then n = n + 1 end
  if x == y then n = n + 1 end
  if x ~= y then n = n + 1 end
  if x == 3 then n = n + 1 end
  if x ~= 3 then n = n + 1 end
  if x == nil then n = n + 1 end
  if x ~= nil then n = n + 1 end
  if x == "3" or y == "4" then n = n + 1 end
  local less, equal = x < y, x <= y
  check(n == 13 and less and equal, n)
end

local function jumps(x)
  local i = 0
  while i < 3 do i = i + 1 if i == 2 then goto continue end x = x or i ::continue:: end
  repeat i = i - 1 until i <= 0
  local y = x and i or nil
  while true do i = i + 1 if i > 3 then break end end
  check(y == 0 and i == 4, "jumps")
end

local function loops(from, to, step)
  local sum = 0
  for i = from, to do sum = sum + i end
  for i = to, from, -1 do sum = sum + i end
  for i = from, to, step do sum = sum + i end
  for i = to, from do sum = -1 end
  for k, v in next, {10, 20, x = 30} do sum = sum + v end
  for i, v in ipairs_iterator, {1, 2, 3}, 0 do sum = sum + v end
  local function count(n, i) if i < n then return i + 1 end end
  for i in count, 3, 0 do sum = sum + i end
  check(sum == 6 + 6 + 4 + 60 + 6 + 6, sum)
end

local function with_extra(first, ...)
  local second, third = ...
  local all = {...}
  return first, second, third, #all, ...
end

local function with_arg(...) return arg.n end

local function tail(n, ...)
  if n == 0 then return ... end
  return tail(n - 1, ...)
end

local function plain_tail(n)
  if n == 0 then return "end" end
  return plain_tail(n - 1)
end

local function nothing() end

local function calls()
  local a, b, c, d, e = with_extra(1, 2, 3, 4)
  check(a == 1 and b == 2 and c == 3 and d == 3 and e == 2, "extra arguments")
  check(with_extra(values(1, 2)) == 1 and nothing() == nil and (values(1, 2)) == 1, "open calls")
  check(tail(5, "x") == "x" and plain_tail(5) == "end" and with_arg(1, 2, 3) == 3, "tail calls")
  local function several() return 1, 2 end
  local x, y, z = several()
  check(x == 1 and y == 2 and z == nil, "several results")
end

local function protected()
  local ok, message = pcall(function() local x = nil; return x.y end)
  check(not ok and message, "pcall")
  check(pcall(values, 1) == true, "pcall of a function that returns")
  local _, handled = xpcall(function() a_nil() end, function() return "handled" end)
  check(handled == "handled", "xpcall")
end

local function coroutines()
  local thread = coroutine_create(function(a, b)
    local c, d = coroutine_yield(a + b)
    return c + d
  end)
  local _, x = coroutine_resume(thread, 1, 2)
  local _, y = coroutine_resume(thread, 3, 4)
  check(x == 3 and y == 7 and coroutine_resume(thread) == false, "coroutines")
  local generator = coroutine_wrap(function() for i = 1, 3 do coroutine_yield(i) end end)
  check(generator() + generator() + generator() == 6, "generators")
end

local function run(many_constants, rounds)
  local object = {method = function(self) return self end}
  for i = 1, rounds do
    loads()
    upvalues_and_globals()
    tables(3)
    arithmetic(7, 2)
    comparisons(3, 4)
    jumps(false)
    loops(1, 3, 2)
    calls()
    protected()
    coroutines()
    local beyond, self, absent = many_constants(object)
    check(beyond == "beyond" and self == object and absent == nil, "many constants")
  end
  return rounds
end
