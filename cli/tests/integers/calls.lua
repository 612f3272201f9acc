-- Calls every function of Lua 5.1 that takes an integer with fractional, large and negative
-- numbers, and prints what becomes of each call.
local numbers = {
    0, 1, 1.5, 2.9, 3.0, 5.999, -0.5, -1.5, -1.9, -2.1, -5, 0.99, 1e-300, -1e-300, "2.7", "0x2",
    1e6 + 0.5, -1e6 - 0.5, 2 ^ 31 - 1, 2 ^ 31 - 1.5, -2 ^ 31 + 1, -2 ^ 31 + 1.5,
}

local function show(...)
    local shown = {}
    for i = 1, select("#", ...) do
        shown[i] = type((select(i, ...))) == "string" and ("%q"):format((select(i, ...)))
            or tostring((select(i, ...))):gsub("0x%x+", "")
    end
    return table.concat(shown, ", ")
end

-- Larger sizes take too long.
local LARGE = 1e5
-- Deeper levels are those of the command, which differ.
local DEEP = 4

-- Tries all numbers, or those from `least` to `most`.
local function try(name, call, least, most)
    for _, number in ipairs(numbers) do
        local value = tonumber(number)
        if value >= (least or -math.huge) and value <= (most or math.huge) then
            print(name, show(number), show(pcall(call, number)))
        end
    end
end

local list = { 1, 2, 3, 4, 5 }
local function file()
    local file = io.tmpfile()
    file:write("hello")
    file:seek("set", 2)
    return file
end

try("string.sub, first", function(n) return ("hello"):sub(n) end)
try("string.sub, last", function(n) return ("hello"):sub(1, n) end)
try("string.byte, first", function(n) return ("hello"):byte(n) end)
try("string.byte, last", function(n) return ("hello"):byte(1, n) end)
try("string.char", function(n) return string.char(n) end)
try("string.rep", function(n) return ("ab"):rep(n) end, -LARGE, 10)
try("string.find", function(n) return ("hello"):find("l", n) end)
try("string.find, plain", function(n) return ("hello"):find("l", n, true) end)
try("string.match", function(n) return ("hello"):match("l", n) end)
try("string.gsub", function(n) return ("hello"):gsub("l", "x", n) end)
try("string.format, c", function(n) return ("%c"):format(n) end, 1)
for _, letter in ipairs { "d", "i", "o", "u", "x", "X" } do
    try("string.format, " .. letter, function(n) return ("%" .. letter):format(n) end)
end
try("table.concat, first", function(n) return table.concat(list, ",", n) end)
try("table.concat, last", function(n) return table.concat(list, ",", 1, n) end)
try("table.insert", function(n)
    local t = { 1, 2, 3 }
    table.insert(t, n, "x")
    return t[1], t[2], t[3], t[4], t[-1], t[0]
end, -LARGE, LARGE)
try("table.remove", function(n)
    local t = { 1, 2, 3 }
    return table.remove(t, n), t[1], t[2], t[3]
end)
try("unpack, first", function(n) return unpack(list, n) end, -LARGE / 100)
try("unpack, last", function(n) return unpack(list, 1, n) end, nil, LARGE / 100)
try("select", function(n) return select(n, "a", "b", "c") end)
try("tonumber", function(n) return tonumber("11", n) end)
try("error", function(n) error("x", n) end)
try("getfenv", function(n) return type(getfenv(n)) end, nil, DEEP)
try("setfenv", function(n) return type(setfenv(n, getfenv(1))) end, 1, DEEP)
try("collectgarbage, setpause", function(n)
    collectgarbage("setpause", n)
    return collectgarbage("setpause", 200)
end, 0)
try("collectgarbage, setstepmul", function(n)
    collectgarbage("setstepmul", n)
    return collectgarbage("setstepmul", 200)
end, 0)
try("math.random", function(n) return math.random(n, n) end)
try("math.ldexp", function(n) return math.ldexp(1, n) end)
try("debug.getinfo", function(n) return type(debug.getinfo(n)) end, -0.9, DEEP)
try("debug.getlocal, level", function(n) return (debug.getlocal(n, 1)) end, 0, DEEP)
try("debug.getlocal, number", function(n) return (debug.getlocal(1, n)) end)
try("debug.getupvalue", function(n) return (debug.getupvalue(try, n)) end)
try("debug.setupvalue", function(n) return (debug.setupvalue(file, n, nil)) end)
try("debug.sethook", function(n)
    debug.sethook(function() end, "", n)
    local _, mask, count = debug.gethook()
    debug.sethook()
    return mask, count
end, 0)
try("debug.traceback", function(n) return (debug.traceback("x", n)):match("^[^\n]*") end, -10)
try("os.date", function(n) return os.date("!%Y-%m-%d %H:%M:%S", n) end)
try("os.time", function(n) return os.time { year = 2020, month = 1, day = n, hour = 12 } end,
    -LARGE, LARGE)
try("os.difftime", function(n) return os.difftime(n, 0) end)
try("file:seek, set", function(n) return file():seek("set", n) end)
try("file:seek, cur", function(n) return file():seek("cur", n) end)
try("file:read", function(n) return file():read(n) end, 0, LARGE)
try("file:setvbuf", function(n) return file():setvbuf("full", n) end, 0, LARGE)
