-- options: -timeout 60s -compat gopher-lua
-- The error messages and behaviour of gopher-lua.

local function fails(wanted, f, ...)
    local ok, message = pcall(f, ...)
    assert(not ok and message:gsub("^[^ ]-:%d+: ", "") == wanted, message)
end

-- Error messages.
fails("__unm undefined", function() return -{} end)
fails("__len undefined", function() return #print end)
for name, f in pairs({
    add = function(a, b) return a + b end,
    sub = function(a, b) return a - b end,
    mul = function(a, b) return a * b end,
    div = function(a, b) return a / b end,
    mod = function(a, b) return a % b end,
    pow = function(a, b) return a ^ b end,
    concat = function(a, b) return a .. b end,
}) do
    fails("cannot perform " .. name .. " operation between table and number", f, {}, 1)
    fails("cannot perform " .. name .. " operation between string and nil", f, "x", nil)
end
fails("attempt to compare table with table", function() return {} < {} end)
fails("attempt to compare number with string", function() return 1 < "x" end)
fails("attempt to call a non-function object", function() local t = {} t.f() end)
fails("attempt to call a number value", 1)
fails("attempt to index a non-table object(nil) with key 'x'", function() local t; return t.x end)
fails("attempt to index a non-table object(number) with key '1.5'", function()
    local t = 1;
    t[1.5] = 1
end)
fails("for statement init must be a number", function() for i = {}, 1 do end end)
fails("for statement limit must be a number", function() for i = 1, {} do end end)
fails("for statement step must be a number", function() for i = 1, 2, {} do end end)
fails("bad argument #1 to pcall (value expected)", function() pcall() end)
fails("bad argument #2 to rep (number expected, got table)", function() ("x"):rep({}) end)
fails("wrong number of arguments", function() math.max() end)
fails("wrong number of arguments", function() math.min() end)
fails("wrong number of arguments", function() table.insert({}) end)
fails("cannot change the environment of given object", function() debug.setfenv(1, {}) end)
fails("GopherLua does not support the string.dump", function() string.dump(function() end) end)
fails("can not yield from outside of a coroutine", function() coroutine.yield() end)
local thread = coroutine.wrap(function() end)
thread()
fails("can not resume a dead thread", function() thread() end)
local own
own = coroutine.create(function() return coroutine.resume(own) end)
local _, resumed, why = coroutine.resume(own)
assert(not resumed and why == "can not resume a running thread", why)
local _, message = loadstring("local " .. ("a, "):rep(300) .. "b")
assert(message:find("register overflow", 1, true))
local chain = {}
setmetatable(chain, { __index = chain, __newindex = chain })
fails("too many recursions in gettable", function() return chain.x end)
fails("too many recursions in settable", function() chain.x = 1 end)
assert(debug.traceback("m"):find("^m\nstack traceback:\n\t.*: in main chunk\n\t%[G%]: %?$"),
    debug.traceback("m"))

-- Behaviour.
assert(debug.getinfo(1, "a") == nil)
assert(("hello"):gsub("(l)", "%c%1%%") == "he%cl%%cl%o")
local _, _, code = io.open("."):read(1)
assert(code == 1)
_, _, code = io.open("/no/such/file")
assert(code == 1)
assert(os.execute("exit 3") == 3 and os.execute("true") == 0)
-- Tables with an array, a hash, nothing; and without the metamethod.
local counted = { __len = function() return "counted" end }
for _, content in ipairs({ { 1, 2, 3 }, { x = 1 }, {} }) do
    local size = #content
    assert(#setmetatable(content, counted) == "counted")
    assert(#setmetatable(content, {}) == size)
end
-- With hooks, instructions have different handlers.
debug.sethook(function() end, "", 1)
assert(#setmetatable({ 1 }, counted) == "counted")
debug.sethook()
