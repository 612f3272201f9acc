-- What PUC Lua checks first decides the message.

local function fails(expected, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and message:find(expected, 1, true), message)
end

-- A key is checked before there is a metamethod.
local called = false
local t = setmetatable({}, { __newindex = function() called = true end })
fails("table index is nil", function() t[nil] = 1 end)
fails("table index is NaN", function() t[0 / 0] = 1 end)
assert(not called)
t.x = 1
assert(called)
-- Another kind of value has no keys of its own.
local seen
local object = newproxy(true)
getmetatable(object).__newindex = function(_, key) seen = key == nil end
object[nil] = 1
assert(seen)

-- The separator is checked before the table.
fails("bad argument #2 to 'concat' (string expected, got table)", function()
  table.concat(nil, {})
end)
fails("bad argument #1 to 'concat' (table expected, got nil)", function()
  table.concat(nil, ",")
end)
fails("bad argument #3 to 'concat' (number expected, got table)", function()
  table.concat({}, ",", {})
end)
assert(table.concat({ 1, 2, 3 }, ",", 2) == "2,3" and table.concat({ 1 }) == "1")
