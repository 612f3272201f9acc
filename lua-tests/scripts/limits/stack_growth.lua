-- A stack that cannot grow: "stack overflow" means that calls nest too deeply or that the stack is
-- too long, "not enough memory" that the memory limit forbids it.
-- options: -timeout 60s -memory-limit 64
-- whole slices: recursion to the limit takes too long with a budget of 1
local bodies = {
    call = "return f() + 1",
    index = "return object.x",
    callable = "return (object())",
    arguments = "return (f(1, 2, 3, 4, 5, 6, 7, 8, ...))",
    sort = "table.sort({ 1, 2 }, f) return true",
    gsub = "return (('x'):gsub('x', f))",
    pcall = "local ok, message = pcall(f) if not ok then error(message, 0) end return 1",
}

-- Functions that call themselves in different ways. Large frames need much stack before they nest
-- too deeply.
local function recursion(body, locals)
    local names = {}
    for i = 1, locals do names[i] = "l" .. i end
    local source = ("local f local object = setmetatable({}, {}) function f(...) local %s %s end "
        .. "getmetatable(object).__index, getmetatable(object).__call = f, f return f")
    return loadstring(source:format(table.concat(names, ","), body))()
end

-- In a coroutine, whose stack is initially small.
local function attempt(f)
    local ok, message = coroutine.resume(coroutine.create(f))
    collectgarbage()
    assert(not ok)
    return tostring(message)
end
local function fails(wanted, f, name)
    local message = attempt(f)
    assert(message:find(wanted, 1, true), (name or "") .. ": " .. message)
end

-- With free memory, the depth of calls is the limit.
for _, name in ipairs({ "call", "index", "pcall" }) do
    fails("stack overflow", recursion(bodies[name], 1), name)
end

-- With almost all memory in use, memory is the limit.
local large = {}
for name, body in pairs(bodies) do large[name] = recursion(body, 100) end
local kept, size = {}, 2 ^ 20
while size >= 2 ^ 14 do
    local ok, piece = pcall(string.rep, "x", size)
    if ok then kept[#kept + 1] = piece else size = size / 2 end
end
for _ = 1, 8 do kept[#kept] = nil end
for name, f in pairs(large) do fails("not enough memory", f, name) end
fails("not enough memory", function()
    local ok, message = xpcall(large.call, function(message) return message end)
    error(message, 0)
end)

-- When it is free again, stacks grow as before.
kept = nil
fails("stack overflow", recursion(bodies.call, 1))
assert(select("#", unpack({}, 1, 200)) == 200)
