-- debug.sethook: events and their order, hooks that fail, yield, or take long, hooks of one thread
-- only.

local function traced(mask, count, f, ...)
    local events = {}
    debug.sethook(function(event, line)
        local info = debug.getinfo(2, "Sl")
        assert(event ~= "line" or line == info.currentline)
        events[#events + 1] = event .. (line and line - debug.getinfo(f, "S").linedefined or "")
    end, mask, count)
    f(...)
    debug.sethook()
    return table.concat(events, " ")
end
local function check(got, wanted) assert(got:find(wanted, 1, true), got) end

-- Lines: loops, and calls in between.
check(traced("l", 0, function()
    for i = 1, 2 do
        local x = i
    end
    while true do
        break
    end
    local s = ("x"):rep(2) ..
        tostring(3)
end), "line1 line2 line1 line2 line1 line5 line7 line8 line9")

-- Calls and returns, natives and tail calls among them.
local function last() return 1 end
local function middle(...) return last(...) end
check(traced("cr", 0, function() middle(1, 2, 3) end), "call call call return tail return return")
check(traced("cr", 0, function() return pcall(last) end), "call call call return return return")
check(traced("cr", 0, function() pcall(error) pcall(last) end),
    "call call return call call return return return")

-- The native of an event can be inspected.
local seen = {}
debug.sethook(function(event)
    local info = debug.getinfo(2, "Sf")
    if info.what == "C" then seen[#seen + 1] = event .. tostring(info.func == math.abs) end
end, "cr")
math.abs(-1)
debug.sethook()
assert(table.concat(seen, " "):find("calltrue returntrue", 1, true), table.concat(seen, " "))

-- The first return is that of `sethook` itself.
local events = {}
debug.sethook(function(event)
    events[#events + 1] = event .. tostring(debug.getinfo(2, "f").func == debug.sethook)
end, "cr")
debug.sethook()
assert(table.concat(events, " ") == "returntrue calltrue", table.concat(events, " "))

-- Counts.
local n = 0
debug.sethook(function(event) assert(event == "count") n = n + 1 end, "", 10)
for i = 1, 1000 do end
debug.sethook()
assert(n >= 100 and n < 110, n)

-- Open lists of values survive a hook that uses the stack and collects.
local function many(k) if k == 0 then return end return k, many(k - 1) end
debug.sethook(function() local t = { many(20) } collectgarbage("step") end, "crl", 1)
local list = { many(50) }
local total = select("#", many(30)) + math.max(many(40))
local function pass(...) return ... end
local packed = { pass(pass(many(10))) }
debug.sethook()
assert(#list == 50 and list[1] == 50 and list[50] == 1 and total == 70 and #packed == 10
    and packed[10] == 1)

-- Errors leave the hook in place and working.
local calls = 0
debug.sethook(function()
    if debug.getinfo(2, "f").func == pass then
        calls = calls + 1
        error("from the hook", 0)
    end
end, "c")
local ok, message = pcall(pass)
local again, second = pcall(pass)
debug.sethook()
assert(calls == 2 and not ok and message == "from the hook" and not again and second == message)
assert(pcall(pass))

-- A hook may yield; it belongs only to its thread.
local thread
thread = coroutine.create(function()
    debug.sethook(function(_, line) coroutine.yield(line) end, "l")
    local a = 1
    local b = 2
    debug.sethook()
    return "end"
end)
local lines = {}
while coroutine.status(thread) ~= "dead" do
    local _, value = coroutine.resume(thread)
    lines[#lines + 1] = value
    assert(debug.gethook() == nil)
end
assert(#lines == 4 and lines[2] == lines[1] + 1 and lines[3] == lines[1] + 2 and lines[4] == "end",
    table.concat(lines, " "))

-- Set from outside, seen by gethook.
local told = 0
local other = coroutine.create(function() local a = 1
    coroutine.yield()
    local b = 2
end)
coroutine.resume(other)
local function hook() told = told + 1 end
debug.sethook(other, hook, "l")
local f, mask, count = debug.gethook(other)
assert(f == hook and mask == "l" and count == 0)
debug.sethook(other, hook, "crl", 5)
f, mask, count = debug.gethook(other)
assert(mask == "crl" and count == 5)
coroutine.resume(other)
assert(told > 0 and debug.gethook() == nil)
f, mask, count = debug.gethook()
assert(f == nil and mask == "" and count == 0)

-- When a hook is preempted, other goroutines run.
local done
go(function() for i = 1, 100 do end done = true end)
debug.sethook(function() if not done then for i = 1, 100000 do end end end, "l")
local rounds = 0
while not done do rounds = rounds + 1 end
debug.sethook()
assert(done)

-- A hook that removes itself, and one that sets another.
local order = {}
debug.sethook(function(event)
    order[#order + 1] = event
    debug.sethook(function(inner) order[#order + 1] = inner debug.sethook() end, "l")
end, "c")
pass()
local x = 1
assert(table.concat(order, " ") == "call line", table.concat(order, " "))

-- Locals of the hooked function.
local found
local function hooked(a, b)
    local c = a + b
    return c
end
debug.sethook(function()
    local name, value = debug.getlocal(2, 3)
    if name == "c" then found = value debug.setlocal(2, 3, 42) end
end, "l")
local result = hooked(1, 2)
debug.sethook()
assert(found == 42 or found == 3)
assert(result == 42)

-- Arguments.
local function fails(text, ...)
    local ok, message = pcall(debug.sethook, ...)
    assert(not ok and message:find(text, 1, true), message)
end
fails("bad argument #2", print)
fails("bad argument #1", 1, "c")

-- The first line of a function that a native calls, also when the budget has just run out there.
local first_lines = 0
local function module_body()
    return {}
end
local first = debug.getinfo(module_body, "S").linedefined + 1
package.preload.hooked_module = module_body
for _ = 1, 500 do
    package.loaded.hooked_module = nil
    debug.sethook(function(_, line)
        if line == first then first_lines = first_lines + 1 end
    end, "l")
    require "hooked_module"
    debug.sethook()
end
assert(first_lines == 500, first_lines)
