-- Hostile code ends in a Lua error or normally, never in a crash.
-- options: -timeout 0 -memory-limit 120
-- whole slices: full collections near the memory limit take too long with a budget of 1

local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok, "no error")
  assert(tostring(message):find(text, 1, true), "the error was " .. tostring(message))
end

-- unbounded recursion
fails("stack overflow", function() local function f() return f() + 1 end return f() end)
fails("stack overflow", function()
  local t = setmetatable({}, {})
  getmetatable(t).__index = function(t, k) return t[k] .. "" end
  return t.x
end)
fails("stack overflow", function()
  local function f() return (("x"):gsub("x", f)) end
  return f()
end)
fails("stack overflow", function()
  local function f() table.sort({ 1, 2 }, f) return true end
  return f()
end)
fails("stack overflow", function()
  local mt = {}
  mt.__concat = function(a, b) return a .. b end
  return setmetatable({}, mt) .. "x"
end)
fails("stack overflow", function()
  local t = setmetatable({}, { __call = function(self) return self() + 1 end })
  return t()
end)
assert(pcall(function() local function f() return pcall(f) end return f() end))
fails("not enough memory", function()
  local function f() return coroutine.wrap(f)() end
  return f()
end)
local function overflow()
  local function f() return f() + 1 end
  return f()
end
assert(select(2, xpcall(overflow, function(m) return m end)):find("stack overflow"))

-- syntax
assert(not loadstring("return " .. ("("):rep(100000) .. "1" .. (")"):rep(100000)))
assert(not loadstring("return " .. ("{"):rep(100000) .. ("}"):rep(100000)))
assert(not loadstring(("do "):rep(100000) .. ("end "):rep(100000)))
assert(not loadstring("local a = 'x' return " .. ("a.."):rep(10000) .. "a"))
assert(loadstring("return " .. ("1+"):rep(100000) .. "1")() == 100001)
assert(not loadstring("return " .. ("1,"):rep(50000) .. "1"),
  "PUC Lua has no registers for that either")
assert(select("#", unpack({}, 1, 50000)) == 50000)
assert(#assert(loadstring("return {" .. ("1,"):rep(300000) .. "}"))() == 300000)

-- memory
fails("string length overflow", string.rep, "x", 1e10)
fails("not enough memory", string.rep, "x", 4e9)
fails("not enough memory", function() local s = "x" while true do s = s .. s end end)
fails("not enough memory", function() local t = {} while true do t[#t + 1] = {} end end)
fails("not enough memory", function() local t = {} for i = 1, 1e9 do t[i] = i end end)
fails("not enough memory", function()
  local t = {}
  while true do t[#t + 1] = ("x"):rep(1000) .. #t end
end)
collectgarbage()
assert(#("x"):rep(1000) == 1000, "the program is usable afterwards")
fails("too many results", unpack, {}, 1, 1e8)

-- metatables
fails("loop in gettable", function() local t = {} setmetatable(t, { __index = t }) return t.x end)
fails("loop in settable", function() local t = {} setmetatable(t, { __newindex = t }) t.x = 1 end)
fails("loop in gettable", function()
  local t = {}
  for _ = 1, 1e6 do t = setmetatable({}, { __index = t }) end
  return t.x
end)

-- comparators, handlers, coroutines
local t = {}
for i = 1, 1000 do t[i] = i * 7 % 1000 end
table.sort(t, function() return true end)
table.sort(t, function() return math.random() < 0.5 end)
assert(#t == 1000)
assert(select(2, xpcall(error, function() error("again") end)) ~= nil)
fails("cannot resume running coroutine", function()
  local co
  co = coroutine.wrap(function() co() end)
  co()
end)

-- a table that changes while it is traversed
local changing = {}
for i = 1, 100 do changing[i] = i changing["k" .. i] = i end
local steps = 0
pcall(function()
  for k in pairs(changing) do
    changing[k] = nil
    changing[{}] = k
    steps = steps + 1
    if steps > 1e5 then break end
  end
end)

-- collection inside everything
local mt = {
  __index = function(_, k) collectgarbage() return k end,
  __lt = function() collectgarbage() return false end,
}
local object = setmetatable({}, mt)
assert(object.key == "key" and not (object < setmetatable({}, mt)))
assert(("abc"):gsub(".", function(c) collectgarbage() return c .. c end) == "aabbcc")
table.sort({ 3, 1, 2 }, function(a, b) collectgarbage() return a < b end)
assert(coroutine.wrap(function() collectgarbage() return coroutine.yield(collectgarbage()) end)()
  == 0)
