-- A finalizer runs within a function, which continues with its own constants and arguments.
local finalized = 0
local function leave_garbage()
  for _ = 1, 10 do
    local proxy = newproxy(true)
    getmetatable(proxy).__gc = function() local i = 0 ::again:: finalized = finalized + 1 end
  end
end
local function values() leave_garbage() collectgarbage() return 1, 2, "three" end
local function count(...) return select("#", ...), (select(-1, ...)) end
for _ = 1, 1000 do
  local n, last = count(0, values())
  assert(n == 4 and last == "three")
  leave_garbage()
  local unused = {tostring("a constant" .. 3.5)}
  assert(unused[1] == "a constant3.5")
end
assert(finalized > 0)

-- They are not nested. (One may interrupt another that was called by collectgarbage.)
local depth, deepest = 0, 0
local function finalizer()
  depth = depth + 1
  deepest = math.max(deepest, depth)
  for _ = 1, 3 do finalized = finalized + 1 end
  depth = depth - 1
end
for _ = 1, 10000 do getmetatable(newproxy(true)).__gc = finalizer end
collectgarbage()
for _ = 1, 10 do leave_garbage() end
assert(deepest <= 2, deepest)

-- An error in one reaches the code that it interrupts, as in Lua 5.1, and the next ones run.
local failed = 0
for _ = 1, 100 do
  pcall(function()
    getmetatable(newproxy(true)).__gc = function() failed = failed + 1 error("in a finalizer") end
    collectgarbage()
    for _ = 1, 10 do end
  end)
end
assert(failed > 90, failed)
