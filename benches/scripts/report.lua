-- Reports with string.format: aligned columns, money, percentages, hexadecimal dumps, quoted text.
local rounds = tonumber(arg and arg[1]) or 1000

local format = string.format
local checksum, length = 0, 0
local function out(line)
  length = length + #line
  checksum = (checksum * 31 + line:byte(-1) + line:byte(1) + #line) % 1000003
end

local function thousands(n)
  local text = format("%d", n)
  local grouped, count
  repeat
    grouped, count = text:gsub("^(-?%d+)(%d%d%d)", "%1,%2")
    text = grouped
  until count == 0
  return text
end

local products = { "bolt", "nut", "washer", "screw", "bracket", "hinge", "handle" }
for round = 1, rounds do
  out(format("%s report no. %03d %s", ("="):rep(10), round, ("="):rep(10)))
  local total = 0
  for i = 1, 300 do
    local name = products[i % #products + 1]
    local price, amount = i * 1.37 + round, i * round % 1000
    total = total + price * amount
    out(format("%-12s|%5d|%10.2f|%12.2f|%6.1f%%", name, amount, price, price * amount,
      100 * amount / 1000))
    out(format("%08x %5.3e %g %s", i * 65537, price / 7, price / 3, tostring(amount)))
    out(format("%q %+d %c", name .. i, i - 150, 65 + i % 26))
  end
  out("total " .. thousands(math.floor(total)) .. format(" (%.3g)", total))
end
print(format("%d %d", length, checksum))
