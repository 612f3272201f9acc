-- utils and types.
local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and tostring(message):find(text, 1, true), tostring(message))
end
local function splits(expected, ...)
  local parts = utils.split(...)
  assert(table.concat(parts, "|") == expected, table.concat(parts, "|"))
end

-- split
splits("hello|world", "hello world", " ")
splits("hello|world", "  hello \t\n world ")
splits("", "   ")
splits("a||b|", "a,,b,", ",")
splits("a.b", "a.b", "..")
splits("a|b", "a..b", "..")
splits("a|b|c", "a1b22c", "%d+", true)
splits("a|b,c", "a,b,c", ",", false, 2)
splits("a,b,c", "a,b,c", ",", false, 1)
splits("a|ä|€|\240\159\152\128|\255", "aä€\240\159\152\128\255", "")
splits("12|34", 12.34, ".")
splits("", "", ",")
fails("bad argument #1 to 'split' (string expected, got no value)", function() utils.split() end)
fails("bad argument #2 to 'split' (pattern matches the empty string)", function()
  utils.split("abc", "x*", true)
end)
fails("bad argument #4 to 'split' (number of parts must be positive)", function()
  utils.split("abc", ",", false, 0)
end)

-- join
assert(utils.join { "a", 1, true } == "a 1 true" and utils.join({ 1, 2 }, "-") == "1-2"
  and utils.join {} == "")
assert(utils.join { setmetatable({}, { __tostring = function() sleep(0.001) return "it" end }) }
  == "it")
fails("bad argument #1 to 'join' (table expected, got string)", function() utils.join("x") end)

-- escape, unescape
local magic = "C:\\x^$()%.[]*+-?\0end"
assert(("<" .. magic .. ">"):find(utils.escape(magic)) == 2
  and utils.unescape(utils.escape(magic)) == magic)
assert(utils.escape("a.b") == "a%.b" and utils.unescape("a%.b%%") == "a.b%"
  and utils.unescape("%a") == "%a")

-- unpack
local function count(...) return select("#", ...) end
assert(select(2, utils.unpack { 1, 2, 3 }) == 2 and count(utils.unpack({ n = 3 })) == 3
  and count(utils.unpack({ 1, 2, 3 }, 2, 3)) == 2)

-- getfenv, setfenv: those of Lua, also by level
local function f() return x end
assert(utils.getfenv(f) == _G and utils.setfenv(f, { x = 42 }) == f and f() == 42
  and utils.getfenv(f).x == 42)
local function g() return utils.getfenv(1) end
setfenv(g, { utils = utils })
assert(g() == getfenv(g))
fails("bad argument #2 to 'setfenv' (table expected, got nil)", function()
  utils.setfenv(f, nil)
end)

-- types
local object = setmetatable({}, { __call = function() end, __name = "thing" })
local values = {
  number = 1.5, integer = 2, string = "2", boolean = false, table = {}, ["function"] = print,
  object = object,
}
local expected = {
  is_number = "number integer", is_integer = "integer",
  is_string = "string", is_boolean = "boolean", is_table = "table object", is_function = "function",
  is_callable = "function object", is_nil = "",
}
for name, list in pairs(expected) do
  for kind, value in pairs(values) do
    local wanted = (" " .. list .. " "):find(" " .. kind .. " ", 1, true) ~= nil
    assert(types[name](value) == wanted, name .. " of " .. kind)
  end
  assert(types[name](nil) == (name == "is_nil") and types[name]() == (name == "is_nil"))
end
assert(not types.is_integer(1 / 0) and not types.is_integer(0 / 0) and types.is_integer(2 ^ 60)
  and types.is_callable(print))
assert(types.type(nil) == "nil" and types.type("x") == "string" and types.type(object) == "thing"
  and types.type(setmetatable({}, {})) == "table")
fails("bad argument #1 to 'type' (value expected)", function() types.type() end)

-- Errors inside have the position of the call.
for _, call in ipairs {
    "utils.unpack({}, 'x')", "utils.unpack({}, 1, 1e8)", "utils.join({ {} })",
    "tablex.pretty({}, {}, {})",
    "local set = tablex.set_new({ 1 }) return set + 1",
    "local set = tablex.set_new({ 1 }) return set < 1",
    "tablex.load(('x'):rep(10), 1, {}, {})()", "tablex.ordered_map_new()[{}] = nil + 1",
} do
    local ok, message = pcall(assert(load("\n" .. call, "=caller")))
    assert(ok or message:find("^caller:2: "), message)
end
local ok, message = pcall(load("return utils.unpack({}, 'x')", "=caller"))
assert(message == "caller:1: bad argument #2 to 'unpack' (number expected, got string)", message)
local ok, message = pcall(tablex.map, { 1 }, loadstring("error('mine')", "=callback"))
assert(message == "callback:1: mine", message)
