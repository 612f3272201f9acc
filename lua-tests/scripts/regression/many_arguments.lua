-- Any number of arguments reaches a vararg function, whether fixed parameters or `arg` take them.
local function count(first, ...) return select("#", ...), first, (select(-1, ...)) end
local function old_style(...) return arg.n, arg[1], arg[arg.n] end
local function plain(first, second, third) return third end
for _, n in ipairs{3, 200, 253, 254, 255, 256, 257, 300, 1000, 5000} do
  local values = {}
  for i = 1, n do values[i] = i end
  local extra, first, last = count(unpack(values))
  assert(extra == n - 1 and first == 1 and last == n)
  local total, first, last = old_style(unpack(values))
  assert(total == n and first == 1 and last == n)
  assert(plain(unpack(values)) == 3)
  assert(select("#", pcall(unpack, values)) == n + 1)
  assert(select("#", coroutine.resume(coroutine.create(count), unpack(values))) == 4)
end
