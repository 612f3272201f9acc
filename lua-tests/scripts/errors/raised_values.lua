-- Any value can be raised, wherever `error` is called, and reaches the protected call unchanged.
local values = { {}, true, print, newproxy(), coroutine.create(function() end) }
for _, value in ipairs(values) do
  local function check(ok, raised, ...)
    assert(ok == false and rawequal(raised, value) and select("#", ...) == 0)
  end
  check(pcall(error, value))
  check(pcall(error, value, 2))
  check(pcall(function() error(value) end))
  check(pcall(function() return error(value) end))
  check(pcall(function() error(unpack({ value })) end))
  check(pcall(function() for _ in error, value do end end))
  check(pcall(function()
    local function deep(n) if n == 0 then error(value) end deep(n - 1) return 1 end
    deep(500)
  end))
  check(pcall(coroutine.wrap(function(...) return error(...) end), value))
  check(coroutine.resume(coroutine.create(function(...) error(...) end), value))
  check(xpcall(function() error(value) end, function(raised) return raised end))
  -- From natives that call it, and through a pcall that has succeeded.
  check(pcall(string.gsub, "x", "x", function() error(value) end))
  check(pcall(function() assert(pcall(type, 1)) error(value) end))
end

-- As a metamethod, it raises its first argument; the second one must be a level.
local object = setmetatable({}, { __call = error, __index = error })
local ok, raised = pcall(object)
assert(not ok and raised == object)
ok, raised = pcall(function() return object[1] end)
assert(not ok and raised == object)
ok, raised = pcall(function() return object.x end)
assert(not ok and raised:find("number expected, got string", 1, true))

-- Without an argument it raises nil. The expected number of results arrives.
assert(select("#", pcall(error)) == 2 and select(2, pcall(error)) == nil)
local third, fourth
ok, raised, third, fourth = pcall(error, object)
assert(ok == false and raised == object and third == nil and fourth == nil)
local only = pcall(error, object)
assert(only == false)
pcall(error, object)
assert(#{ pcall(error, object), pcall(error, object) } == 3)

-- Closures of the failed function keep the last values of their variables.
local get
pcall(function()
  local kept = 1
  get = function() return kept end
  kept = 2
  error(object)
end)
assert(get() == 2)

-- Strings get a position, and so do numbers, which become strings; a level selects whose.
local function message(...) return select(2, pcall(...)) end
local here = debug.getinfo(1, "S").short_src
local function line() return debug.getinfo(2, "l").currentline end
assert(message(function() error("x") end) == here .. ":" .. line() .. ": x")
assert(message(function() error(7) end) == here .. ":" .. line() .. ": 7")
assert(message(function() error("x", 0) end) == "x" and message(error, "x") == "x")
assert(rawequal(message(function() error(7, 0) end), 7))
assert(message(function() error("x", "1") end) == here .. ":" .. line() .. ": x")
assert(message(function() error(object, object) end):find("bad argument #2 to 'error'", 1, true))
