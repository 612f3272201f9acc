-- The os library.
local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and tostring(message):find(text, 1, true), tostring(message))
end

-- date: every specifier of the locale "C"
local moment = 1234567890
local expected = {
  a = "Fri", A = "Friday", b = "Feb", B = "February", c = "Fri Feb 13 23:31:30 2009", C = "20",
  d = "13", D = "02/13/09", e = "13", F = "2009-02-13", g = "09", G = "2009", h = "Feb", H = "23",
  I = "11", j = "044", k = "23", l = "11", m = "02", M = "31", n = "\n", p = "PM", P = "pm",
  r = "11:31:30 PM", R = "23:31", S = "30", t = "\t", T = "23:31:30", u = "5", U = "06", V = "07",
  w = "5", W = "06", x = "02/13/09", X = "23:31:30", y = "09", Y = "2009", z = "+0000", Z = "GMT",
  s = "1234567890", ["%"] = "%",
  Q = "%Q", E = "%E", O = "%O", L = "%L", ["-"] = "%-",
}
for specifier, text in pairs(expected) do
  assert(os.date("!%" .. specifier, moment) == text, specifier)
end
assert(os.date("!%", 0) == "%" and os.date("!x%%y%d%", 0) == "x%y01%" and os.date("", 0) == ""
  and os.date("!a\0%d", 0) == "a\00001")
assert(os.date("!%I %l %p %e", 0) == "12 12 AM  1" and os.date("!%k|%e", 3600) == " 1| 1")
assert(os.date("!%G-%V %g %U %W", 1104537600) == "2004-53 04 00 00") -- 2005-01-01
assert(os.date("!%c", -1) == "Wed Dec 31 23:59:59 1969"
  and os.date("!%F", 951782400) == "2000-02-29")
assert(os.date("!%Y", 1e15) == "31690708" and os.date("!%c", 1e17) == nil
  and os.date("*t", 1e300) == nil and os.date("!%F", -62135596801) == "0-12-31")
assert(os.date("%c"):find("^%a%a%a %a%a%a [%d ]%d %d%d:%d%d:%d%d %d%d%d%d$")
  and os.date() == os.date("%c") or true)
fails("bad argument #1 to 'date' (string expected, got table)", function() os.date({}) end)
fails("bad argument #2 to 'date' (number expected, got string)", function() os.date("%d", "x") end)

local t = os.date("!*t", moment)
assert(t.year == 2009 and t.month == 2 and t.day == 13 and t.hour == 23 and t.min == 31
  and t.sec == 30 and t.wday == 6 and t.yday == 44 and t.isdst == false)

-- time zones: TZ, also when the program sets it
os.setenv("TZ", "Europe/Berlin")
assert(os.date("%c %Z %z", 1700000000) == "Tue Nov 14 23:13:20 2023 CET +0100"
  and os.date("*t", 1700000000).isdst == false)
assert(os.date("%H %Z %z", 1690000000) == "06 CEST +0200"
  and os.date("*t", 1690000000).isdst == true)
assert(os.time { year = 2023, month = 7, day = 22, hour = 6, min = 26, sec = 40 } == 1690000000)
assert(os.time { year = 2023, month = 7, day = 22, hour = 6, min = 26, sec = 40, isdst = false }
  == 1690003600)
assert(os.time { year = 2023, month = 11, day = 14, hour = 23, min = 13, sec = 20, isdst = true }
  == 1699996400)
-- the hour that there is twice, and the one that there is not
assert(os.time { year = 2023, month = 10, day = 29, hour = 2, isdst = true } == 1698537600)
assert(os.time { year = 2023, month = 10, day = 29, hour = 2, isdst = false } == 1698541200)
assert(os.date("%H:%M", os.time { year = 2023, month = 3, day = 26, hour = 2, min = 30 })
  == "03:30")
os.setenv("TZ", "EST5EDT,M3.2.0,M11.1.0")
assert(os.date("%c %Z", 0) == "Wed Dec 31 19:00:00 1969 EST" and os.date("%Z", 1690000000) == "EDT")
os.setenv("TZ", "UTC")

-- time
assert(os.time { year = 2000, month = 1, day = 1 } == 946728000
  and os.time { year = "2000", month = 1, day = 1, hour = 0 } == 946684800)
assert(os.time { year = 2000, month = 14, day = 400, hour = -50, min = 1e6 } == 1075272000 + 7200)
assert(os.time { year = 2024, month = 2, day = 30 } == os.time { year = 2024, month = 3, day = 1 })
assert(os.time { year = 2024, month = 0, day = 0 } == os.time { year = 2023, month = 11, day = 30 })
assert(os.time { year = 2000.9, month = 1, day = 1, hour = 0 } == 946684800)
for _, moment in ipairs { 0, 1, -1, 86399, 951782400, 2 ^ 31, 2 ^ 33, -2 ^ 33 } do
  assert(os.time(os.date("*t", moment)) == moment, moment)
end
fails("field 'day' missing in date table", os.time, {})
fails("field 'month' missing in date table", os.time, { day = 1 })
fails("field 'year' missing in date table", os.time, { day = 1, month = 1 })
fails("bad argument #1 to 'time' (table expected, got number)", function() os.time(5) end)
local now = os.time()
assert(now > 1.7e9 and now % 1 == 0 and math.abs(os.time(os.date("*t")) - now) <= 1
  and math.abs(os.time(nil) - now) <= 1)
assert(os.difftime(now, now - 5) == 5 and os.difftime(7) == 7)
fails("bad argument #1 to 'difftime' (number expected, got no value)", function() os.difftime() end)

-- clock: the time that is used, not the time that passes
local before = os.clock()
os.execute("sleep 0.3")
assert(os.clock() - before < 0.2)
before = os.clock()
while os.clock() - before < 0.02 do end

-- environment
assert(os.getenv("PATH") and os.getenv("SOLVM_NOT_SET") == nil)
assert(os.setenv("SOLVM_TEST", "a value") == true and os.getenv("SOLVM_TEST") == "a value")
local child = io.popen('echo "$SOLVM_TEST"')
assert(child:read() == "a value")
child:close()
assert(os.setenv("A=B", "x") == nil and os.setenv("", "x") == nil)
fails("bad argument #1 to 'getenv' (string expected, got no value)", function() os.getenv() end)
fails("bad argument #2 to 'setenv' (string expected, got no value)", function() os.setenv("x") end)

-- files
local path = os.tmpname()
assert(io.open(path):read("*a") == "" and os.tmpname() ~= path)
assert(os.rename(path, path .. ".new") == true)
local ok, message, code = os.rename(path, path .. ".other")
assert(ok == nil and message == path .. ": No such file or directory" and code == 2)
assert(os.remove(path .. ".new") == true)
ok, message, code = os.remove(path)
assert(ok == nil and message == path .. ": No such file or directory" and code == 2)
os.execute("mkdir " .. path)
assert(os.remove(path) == true)

-- locale
assert(os.setlocale() == "C" and os.setlocale("C") == "C" and os.setlocale("", "time") == "C"
  and os.setlocale("POSIX", "all") == "C")
assert(os.setlocale("nowhere") == nil and os.setlocale(nil, "numeric") == "C")
fails("bad argument #2 to 'setlocale' (invalid option 'words')", function()
  os.setlocale("C", "words")
end)

fails("bad argument #1 to 'execute' (string expected, got table)", function() os.execute({}) end)
fails("bad argument #1 to 'exit' (number expected, got string)", function() os.exit("now") end)
