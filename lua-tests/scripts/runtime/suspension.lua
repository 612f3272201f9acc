-- Suspension anywhere: a coroutine yields inside every native that takes a function, every
-- metamethod, every kind of iterator, and continues at the same point.
local yield = coroutine.yield

-- Runs `body` in a coroutine, sends back whatever it yields, and returns all of that and its result
-- as a string.
local function trace(body)
  local co = coroutine.create(body)
  local said = {}
  local answer = { coroutine.resume(co) }
  while coroutine.status(co) ~= "dead" do
    said[#said + 1] = tostring(answer[2])
    answer = { coroutine.resume(co, answer[2]) }
  end
  said[#said + 1] = (answer[1] and "= " or "error ") .. tostring(answer[2])
  return table.concat(said, " ")
end

local mt = {}
mt.__index = function(_, key) return yield("index " .. key) end
mt.__newindex = function(t, key, value) yield("newindex") rawset(t, key, value) end
mt.__call = function(_, x) return yield("call " .. x) end
mt.__concat = function() return yield("concat") end
mt.__unm = function() return yield("unm") end
mt.__tostring = function() return yield("tostring") end
mt.__eq = function() yield("eq") return true end
mt.__lt = function() yield("lt") return true end
mt.__le = function() yield("le") return false end
mt.__len = function() return yield("len") end
for _, event in ipairs { "add", "sub", "mul", "div", "mod", "pow" } do
  mt["__" .. event] = function() return yield(event) end
end
local function new() return setmetatable({}, mt) end
local only_less = { __lt = function(a, b) yield("less") return a.v < b.v end }
local function ordered(v) return setmetatable({ v = v }, only_less) end

local cases = {
  -- natives
  { "1 2 = true", function() return pcall(function() yield(1) yield(2) end) end },
  { "1 = x", function() return select(2, pcall(function() yield(1) error("x", 0) end)) end },
  { "1 h = x!", function()
    return select(2,
      xpcall(function() yield(1) error("x", 0) end, function(m) yield("h") return m .. "!" end))
  end },
  { "1 = 7", function() return select(2, xpcall(function(a) yield(1) return a end, print, 7)) end },
  { "2 1 = 1,2,3", function()
    local t = { 3, 2, 1 }
    local n = 0
    table.sort(t, function(a, b) n = n + 1 if n <= 2 then yield(3 - n) end return a < b end)
    return table.concat(t, ",")
  end },
  { "less = 1", function()
    local t = { ordered(2), ordered(1) }
    table.sort(t)
    return t[1].v
  end },
  {
    "a b = AxB",
    function() return (("axb"):gsub("[ab]", function(c) return yield(c):upper() end)) end,
  },
  { "index k = index kv", function() return (("kv"):gsub("^k", new())) end },
  { "1 = 1", function() return table.foreach({ 1 }, function(_, v) return yield(v) end) end },
  { "1 2 = nil", function() return table.foreachi({ 1, 2 }, function(_, v) yield(v) end) end },
  { "r1 r2 r3 = 42", function()
    local n = 0
    return load(function() n = n + 1 yield("r" .. n) return ({ "return ", "42" })[n] end)()
  end },
  { "tostring = tostring", function() return tostring(new()) end },
  { "1 2 = 3", function()
    local inner = coroutine.wrap(function() return pcall(function() error((yield(3))) end) end)
    yield(1) yield(2)
    return inner()
  end },
  -- metamethods
  { "index foo = index foo", function() return new().foo end },
  { "index 1 = index 1", function() return new()[1] end },
  { "newindex = 5", function() local t = new() t.x = 5 return rawget(t, "x") end },
  { "call x = call x", function() return (new()("x")) end },
  { "call x = call x", function() return new()("x") end },
  { "call 1 call 2 call 3 = call 3", function()
    local f = new()
    for i = 1, 2 do f(i) end
    return f(3)
  end },
  { "concat = concat", function() return new() .. "x" end },
  { "concat = abconcat", function() return "a" .. "b" .. new() .. "c" .. "d" end },
  { "unm = unm", function() return -new() end },
  { "add = add", function() return new() + 1 end },
  { "sub = sub", function() return 1 - new() end },
  { "mul = mul", function() return new() * new() end },
  { "div = div", function() return new() / 2 end },
  { "mod = mod", function() return new() % 2 end },
  { "pow = pow", function() return new() ^ 2 end },
  { "eq = yes", function() if new() == new() then return "yes" end return "no" end },
  { "eq = no", function() if new() ~= new() then return "yes" end return "no" end },
  { "lt = true", function() return new() < new() end },
  { "lt = false", function() return not (new() < new()) end },
  { "lt = yes", function() if new() > new() then return "yes" end return "no" end },
  { "le = no", function() if new() <= new() then return "yes" end return "no" end },
  { "le = false", function() return new() >= new() end },
  { "less = true", function() return ordered(1) <= ordered(2) end },
  { "less = no", function() if ordered(2) <= ordered(1) then return "yes" end return "no" end },
  -- iterators and calls in every position
  { "1 2 3 = done", function()
    for i in function(_, last)
      last = (last or 0) + 1
      yield(last)
      if last < 3 then return last end
    end do
      local _ = i
    end
    return "done"
  end },
  { "1 2 = done", function() for _, v in ipairs { 1, 2 } do yield(v) end return "done" end },
  { "1 = done", function() for _, v in pairs { a = 1 } do yield(v) end return "done" end },
  { "1 2 = 3", function() return select("#", yield(1), yield(2), 3) end },
  { "1 = 1", function() return yield(1) end },
  { "1 = 1", function() return (yield(1)) end },
  { "1 2 = 12", function() local t = { yield(1), yield(2) } return t[1] .. t[2] end },
  {
    "1 = 4",
    function(...)
      local function v(...) yield(1) return select("#", ...) end
      return v(nil, nil, nil, ...) + 1
    end,
  },
}

for i, case in ipairs(cases) do
  local got = trace(case[2])
  assert(got == case[1], "case " .. i .. ": " .. got .. ", wanted " .. case[1])
end
