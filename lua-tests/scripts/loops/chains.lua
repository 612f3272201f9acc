-- Native code for loops that take long to analyse: nothing can interrupt the compiler.

local function seconds(f, ...)
    local began = os.clock()
    local result = f(...)
    return os.clock() - began, result
end

-- Each value is the sum of the one before with itself: there are 2^30 ways back to the first.
local lines = {"local t = ... local x for i = 1, 100000 do local a0 = t.x"}
for i = 1, 30 do
    lines[#lines + 1] = ("local a%d = a%d + a%d"):format(i, i - 1, i - 1)
end
lines[#lines + 1] = "x = a30 end return x"
local time, result = seconds(loadstring(table.concat(lines, "\n")), {x = 1})
assert(result == 2 ^ 30, result)
assert(time < 1, time)

-- A loop in a function that is too long to be analysed as a whole.
lines = {"local x, y = 1, 2"}
for i = 1, 8000 do
    lines[#lines + 1] = "x = x + 1 if x > 3e9 then x = y end"
end
lines[#lines + 1] = "for i = 1, 100000 do local z = i x = x + z y = y + 1 end return x + y"
result = select(2, seconds(loadstring(table.concat(lines, "\n"))))
assert(result == 8001 + 100000 * 100001 / 2 + 100002, result)
