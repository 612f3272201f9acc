-- `x % constant` is `x - floor(x / constant) * constant`, bit by bit, for every kind of number.
local floor, huge = math.floor, math.huge

local function expected(x, divisor) return x - floor(x / divisor) * divisor end

local numbers = { 0, -0, 0.5, -0.5, 5.5, -5.5, 1e-300, huge, -huge, 0 / 0 }
for exponent = 0, 70 do
  for offset = -2, 2 do
    numbers[#numbers + 1] = 2 ^ exponent + offset
    numbers[#numbers + 1] = -(2 ^ exponent + offset)
    numbers[#numbers + 1] = 3 * 2 ^ exponent + offset + 0.25
  end
end
for i = 1, 2000 do numbers[#numbers + 1] = floor((i * 0.6180339887) % 1 * 2 ^ 51) end

local function same(a, b) return a == b and 1 / a == 1 / b or a ~= a and b ~= b end

local function check(divisor, remainder)
  for _, x in ipairs(numbers) do
    local found, wanted = remainder(x), expected(x, divisor)
    if not same(found, wanted) then
      error(string.format("%.17g %% %.17g is %.17g, not %.17g", x, divisor, found, wanted))
    end
  end
end

for _, text in ipairs({
  "1", "2", "3", "7", "10", "16", "97", "1000003", "139968", "2147483647", "2147483648",
  "2147483649", "4294967296", "0.5", "2.5",
  "1e300", "-1", "-3", "-0.5", "(1/0)", "(-1/0)",
}) do
  check(assert(loadstring("return " .. text))(),
    assert(loadstring("local x = ... return x % " .. text)))
end

-- Numeric strings are numbers, too; others raise an error.
assert("17" % 5 == 2 and "0x11" % 5 == 2)
local ok, message = pcall(function() local t = {} return t % 5 end)
assert(not ok
  and message:find("attempt to perform arithmetic on local 't' (a table value)", 1, true), message)
local counted = setmetatable({}, { __mod = function(_, divisor) return divisor end })
assert(counted % 5 == 5)
