-- Numeric kernel on large arrays: sieve of Eratosthenes with booleans, then prime gaps.
local limit = (tonumber(arg and arg[1]) or 800) * 10000

local composite = {}
for i = 1, limit do composite[i] = false end
local i = 2
while i * i <= limit do
  if not composite[i] then
    for j = i * i, limit, i do composite[j] = true end
  end
  i = i + 1
end

local primes, gaps, previous = 0, {}, 2
for candidate = 2, limit do
  if not composite[candidate] then
    primes = primes + 1
    local gap = candidate - previous
    gaps[gap] = (gaps[gap] or 0) + 1
    previous = candidate
  end
end
print(string.format("%d %d %d %d", primes, previous, gaps[2] or 0, gaps[6] or 0))
