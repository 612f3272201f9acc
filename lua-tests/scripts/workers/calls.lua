-- Calls in isolates: what is sent, errors, cancellation.
local worker = require "solvm.worker"
local run = worker.run

-- Values.
local function same(...)
    return ...
end
assert(select("#", run(same)) == 0)
local a, b, c, d, e = run(same, nil, true, false, -0.5, "text")
assert(a == nil and b == true and c == false and d == -0.5 and e == "text")
assert(select("#", run(same, nil, nil)) == 2)
local long = ("0123456789"):rep(10000)
assert(run(same, long) == long)
local binary = run(same, "\0\255" .. long .. "\0")
assert(#binary == #long + 3 and binary:byte(2) == 255)

-- Tables are copies; shared parts and cycles stay, metatables do not.
local inner = {1, 2, 3, n = 3, [2.5] = "x", [true] = "yes"}
local outer = setmetatable({a = inner, b = inner}, {__index = function() return "meta" end})
outer.self = outer
local copy = run(function(t)
    t.a[4] = "new"
    return t
end, outer)
assert(copy.a == copy.b and copy.self == copy and copy ~= outer)
assert(copy.a[4] == "new" and inner[4] == nil and #copy.a == 4)
assert(copy.a[2.5] == "x" and copy.a[true] == "yes" and copy.a.n == 3)
assert(getmetatable(copy) == nil and copy.missing == nil)
local keys = run(function(t)
    for key, value in pairs(t) do
        assert(type(key) == "table" and key[1] == value)
    end
    return t
end, {[{7}] = 7})
assert(next(keys)[1] == 7)
local deep = {}
local last = deep
for i = 1, 20000 do
    last.next = {i}
    last = last.next
end
local count = 0
local node = run(same, deep)
while node.next do
    node, count = node.next, count + 1
end
assert(count == 20000 and node[1] == 20000)
local list = {}
for i = 1, 50000 do
    list[i] = i % 3 == 0 and "three" or i
end
local back = run(same, list)
assert(#back == 50000 and back[3] == "three" and back[49999] == 49999)

-- Functions have their upvalues; those of one message share variables.
local number = 10
local function increase()
    number = number + 1
    return number
end
local function get()
    return number
end
assert(run(function()
    increase()
    increase()
    return get()
end) == 12)
assert(number == 10)
local f, g = run(function()
    local state = 0
    return function()
        state = state + 1
        return state
    end, function()
        return state
    end
end)
f()
assert(f() == 2 and g() == 2)
local function factorial(n)
    return n == 0 and 1 or n * factorial(n - 1)
end
assert(run(factorial, 5) == 120)
assert(run(run, factorial, 5) == 120)

-- Libraries and natives are those of the isolate.
local insert, concat, str, env = table.insert, table.concat, string, _G
assert(run(function(t)
    insert(t, "c")
    return concat(t, str.rep("-", 2))
end, {"a", "b"}) == "a--b--c")
assert(run(same, print) == print and run(same, string) == string and run(same, require) == require)
assert(run(function()
    return type(require) == "function" and require "string" == string and env == _G
end))

-- Globals are those of the libraries, and gone afterwards.
script_global = "here"
assert(run(function()
    assert(script_global == nil)
    worker_global = 1
    assert(_G.worker_global == 1 and getfenv(0).worker_global == 1)
    return rawget(_G, "print")
end) == nil)
for _ = 1, 10 do
    assert(run(function()
        return worker_global
    end) == nil)
end
local ok, message = pcall(run, function()
    return script_function()
end)
assert(not ok and message:find("attempt to call global 'script_function' (a nil value) "
    .. "(a worker has the globals of the libraries only)", 1, true), message)

-- Errors: a string has the traceback, other values are copied.
ok, message = pcall(run, function()
    local function inside()
        error("boom")
    end
    inside()
end)
assert(not ok and message:find("calls.lua:%d+: boom\nstack traceback of the worker:\n"), message)
assert(message:find("in function 'inside'", 1, true), message)
ok, message = pcall(run, function()
    error({code = 42})
end)
assert(not ok and message.code == 42)
ok, message = pcall(run, error)
assert(not ok and message == nil)
ok, message = pcall(run, function()
    error(coroutine.create(function() end))
end)
assert(not ok and message == "cannot send the error: it is a coroutine", message)

-- What cannot be sent is named.
local file = io.stdout
local function refuses(text, ...)
    local ok, message = pcall(run, ...)
    assert(not ok and message:find(text, 1, true), message)
end
refuses("cannot send the function, upvalue 'file': it is a userdata", function()
    return file
end)
refuses("cannot send argument 2.list[3][\"a b\"]: it is a coroutine", same, 1,
    {list = {1, 2, {["a b"] = coroutine.create(function() end)}}})
refuses("cannot send argument 1[a key]: it is a userdata", same, {[file] = 1})
refuses("cannot send result 2: it is a userdata", function()
    return 1, io.stdout
end)
refuses("cannot send argument 1: it is a native function that belongs to this program", same,
    coroutine.wrap(function() end))
refuses("cannot send argument 1: it is a userdata", same, chan())
refuses("bad argument #1 to '", 1)
local far = {}
last = far
for _ = 1, 30 do
    last.x = {}
    last = last.x
end
last.x = file
refuses("cannot send argument 1....x.x.x.x.x.x.x: it is a userdata", same, far)

-- Handles.
local call = worker.spawn(function(x)
    return x, x + 1
end, 1)
local one, two = call:wait()
assert(one == 1 and two == 2)
ok, message = pcall(call.wait, call)
assert(not ok and message:find("the results have been returned already", 1, true), message)
assert(tostring(call):find("^worker call: "))
for _, body in ipairs {
    function() while true do end end,
    function() sleep(1000) end,
    function() pcall(function() while true do end end) while true do sleep(0.01) end end,
} do
    call = worker.spawn(body)
    sleep(0.01)
    call:cancel()
    ok, message = pcall(call.wait, call)
    assert(not ok and message == "cancelled", message)
end

-- Many at once, and what they leave behind ends with the call.
local done = 0
for i = 1, 50 do
    go(function()
        assert(run(same, i) == i)
        done = done + 1
    end)
end
wait()
assert(done == 50)
run(function()
    go(function()
        while true do sleep(1) end
    end)
    set_interval(function() end, 1)
    chan("left", 1)
    on_error(function() end)
end)
for _ = 1, worker.size() do
    run(function()
        assert(not pcall(send, "left", 1))
        chan("left", 1)
    end)
end

-- Calls inside calls wait for each other without a deadlock; they may be four deep.
local function nested(depth)
    return depth == 0 and "bottom" or worker.run(nested, depth - 1)
end
for _ = 1, 3 do
    local inside = {}
    for i = 1, 3 * worker.size() do
        inside[i] = worker.spawn(nested, 3)
    end
    for _, call in ipairs(inside) do
        assert(call:wait() == "bottom")
    end
end
ok, message = pcall(nested, 5)
assert(not ok and message:find("calls of workers are nested deeper than 4", 1, true), message)

-- Maps.
local squares = worker.map({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, function(x, i)
    assert(x == i)
    return x * x
end)
assert(table.concat(squares, " ") == "1 4 9 16 25 36 49 64 81 100")
assert(#worker.map({}, same) == 0)
ok, message = pcall(worker.map, {1, 2, 3, 4}, function(x)
    if x == 3 then error("three", 0) end
    return x
end)
assert(not ok and message:find("^three\n"), message)
ok, message = pcall(worker.map, 1, same)
assert(not ok and message:find("bad argument #1 to 'map' (table expected, got number)", 1, true),
    message)

-- Scripts.
local path = os.tmpname()
local script = assert(io.open(path, "w"))
script:write("local a, b = ... return a .. b, ...")
script:close()
assert(table.concat({worker.file(path, "x", "y")}, " ") == "xy x y")
os.remove(path)
ok, message = pcall(worker.file, path)
assert(not ok and message:find("cannot open", 1, true), message)
