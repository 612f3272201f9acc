-- string.dump returns a chunk from which load creates the same function, with its own upvalues;
-- nothing else is accepted as a binary chunk.

local up = 5
local function outer(a)
    local function inner() return up end
    up = up or 7
    return a, inner()
end

local chunk = string.dump(outer)
local header = "\27LuaQ\0\1\4\8\4\8\0"
assert(chunk:sub(1, 12) == header, "programs look at the header of Lua 5.1")
local copy = assert(loadstring(chunk))
local a, b = copy(3)
assert(a == 3 and b == 7 and up == 5, "upvalues are fresh, and shared by what is inside")
local other = assert(load(chunk, "another name"))
a, b = other(4)
assert(a == 4 and b == 7)
assert(select(2, copy(1)) == 7)

-- It has its chunk's name and its lines.
local failing = string.dump(assert(loadstring("local x = ...\n\nreturn x.y", "=named")))
local ok, message = pcall(assert(loadstring(failing)))
assert(not ok and message == "named:3: attempt to index local 'x' (a nil value)", message)

-- Varargs, main chunks, a dump of a copy, a reader that returns it in parts, an environment.
local function count(...) return select("#", ...) end
assert(loadstring(string.dump(count))(nil, nil) == 2)
assert(string.dump(copy) == chunk)
local at = 0
local pieces = load(function() at = at + 1 return #chunk >= at and chunk:sub(at, at) or nil end)
assert(pieces(8) == 8)
local environment = { y = 9 }
assert(load(string.dump(function() return y end), "x", "b", environment)() == 9)

-- The order of functions in the text is not that of their compilation.
local t = { [function() return 1 end] = function() return 2 end, function() return 3 end }
for key, value in pairs(t) do
    assert(loadstring(string.dump(value))() == value())
    if type(key) == "function" then assert(loadstring(string.dump(key))() == 1) end
end

-- Refusals.
for _, foreign in ipairs {
    "\27Lua", header, "\27LJ\2", "\27", chunk:sub(1, 9), chunk:sub(1, 20), chunk:sub(1, 27),
    header .. "\3\0\0\0\0\0\0\0=x\0", chunk:sub(1, 24) .. "\255\0\0\0" .. chunk:sub(29),
} do
    local loaded, why = loadstring(foreign, "=foreign")
    local expected = "bad header in precompiled chunk (only string.dump output can be loaded)"
    assert(loaded == nil and why == "foreign: " .. expected, why)
end
local loaded, why = load(chunk, "x", "t")
assert(loaded == nil and why == "attempt to load a binary chunk (mode is 't')")
ok, why = pcall(string.dump, print)
assert(not ok and why == "unable to dump given function")
ok, why = pcall(string.dump)
assert(not ok and why:find("bad argument #1 to '?' (function expected, got no value)", 1, true))
