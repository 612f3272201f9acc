-- datetime: Go's layouts and strftime both ways, zones, arithmetic, invalid input and arguments.

local moment = datetime.parse("2006-01-02T15:04:05.123456-07:00")
assert(moment == 1136239445.123456)

-- Every predefined layout of Go, at the reference time of Go's layouts.
for layout, expected in pairs({
    [datetime.ANSIC] = "Mon Jan  2 15:04:05 2006",
    [datetime.UnixDate] = "Mon Jan  2 15:04:05 MST 2006", [datetime.RFC822] = "02 Jan 06 15:04 MST",
    [datetime.RFC850] = "Monday, 02-Jan-06 15:04:05 MST",
    [datetime.RFC1123] = "Mon, 02 Jan 2006 15:04:05 MST",
    [datetime.RFC1123Z] = "Mon, 02 Jan 2006 15:04:05 -0700",
    [datetime.RFC3339] = "2006-01-02T15:04:05-07:00",
    [datetime.RFC3339Nano] = "2006-01-02T15:04:05.123456-07:00", [datetime.Kitchen] = "3:04PM",
    [datetime.DateTime] = "2006-01-02 15:04:05",
    [datetime.DateOnly] = "2006-01-02", [datetime.TimeOnly] = "15:04:05",
}) do
    local text = datetime.format(moment, layout, "America/Denver")
    assert(text == expected, text)
    local read, message = datetime.parse(text, layout, "America/Denver")
    assert(read, message)
    assert(datetime.format(read, layout, "America/Denver") == text)
end

-- Every element.
local other = datetime.parse("2024-03-07 08:09:01.5", nil, "UTC")
for layout, expected in pairs({
    ["January Jan 1 01"] = "March Mar 3 03", ["Monday Mon 2 _2 02"] = "Thursday Thu 7  7 07",
    ["002 __2"] = "067  67", ["15 3 03 PM pm"] = "08 8 08 AM am", ["4 04 5 05"] = "9 09 1 01",
    ["2006 06"] = "2024 24", ["MST"] = "UTC", ["Z07:00 Z0700 Z07"] = "Z Z Z",
    ["-07:00 -0700 -07 -07:00:00 -070000"] = "+00:00 +0000 +00 +00:00:00 +000000",
    ["05.000 05,00"] = "01.500 01,50",
    ["05.999"] = "01.5", ["_2006 Janet Monk"] = "_2024 Janet Monk", [""] = "", ["day é"] = "day é",
    ["%Y-%m-%dT%H:%M:%S"] = "2024-03-07T08:09:01", ["100%% %j"] = "100% 067",
}) do
    local text = datetime.format(other, layout, "UTC")
    assert(text == expected, ("%q: %q"):format(layout, text))
end
assert(datetime.format(0, nil, "UTC") == "1970-01-01T00:00:00Z"
    and datetime.format(0.25, nil, "+05:30") == "1970-01-01T05:30:00.25+05:30")
assert(datetime.format(-0.001, "15:04:05.000", "UTC") == "23:59:59.999"
    and datetime.format(1e10, "2006", "UTC") == "2286")
assert(datetime.format(datetime.parse("12 AM", "3 PM", "UTC"), "15", "UTC") == "00"
    and datetime.format(datetime.parse("12pm", "3pm", "UTC"), "15", "UTC") == "12")

-- Reading.
local function reads(text, layout, expected, zone)
    local read, message = datetime.parse(text, layout, zone or "UTC")
    assert(read, message)
    local got = datetime.format(read, nil, "UTC")
    assert(got == expected, got)
end
reads("7 mar 2024", "2 Jan 2006", "2024-03-07T00:00:00Z")
reads("Thursday, MARCH 7, 24", "Monday, January 2, 06", "2024-03-07T00:00:00Z")
reads("69", "06", "1969-01-01T00:00:00Z")
reads("2024-067", "2006-002", "2024-03-07T00:00:00Z")
reads("10:11:12.25", "15:04:05", "1970-01-01T10:11:12.25Z")
reads("10:11:12.25 x", "15:04:05.00 x", "1970-01-01T10:11:12.25Z")
reads("2024-03-07   8", "2006-01-02 3", "2024-03-07T08:00:00Z")
reads("2024-03-07T08:09:01+02:00", datetime.RFC3339, "2024-03-07T06:09:01Z")
reads("2024-03-07 08:09 CET", "2006-01-02 15:04 MST", "2024-03-07T07:09:00Z", "Europe/Berlin")
reads("2024-10-27 02:30 CET", "2006-01-02 15:04 MST", "2024-10-27T01:30:00Z", "Europe/Berlin")
reads("2024-10-27 02:30 CEST", "2006-01-02 15:04 MST", "2024-10-27T00:30:00Z", "Europe/Berlin")
reads("2024-07-01 12:00", "2006-01-02 15:04", "2024-07-01T10:00:00Z", "Europe/Berlin")
reads("07/03/2024 08:09", "%d/%m/%Y %H:%M", "2024-03-07T08:09:00Z")
reads("2024-03-07 +0130", "%Y-%m-%d %z", "2024-03-06T22:30:00Z")
reads("2024-03-07", "%Y-%m-%d", "2024-03-07T00:00:00Z")
reads("2024-02-29", nil, "2024-02-29T00:00:00Z")
reads("2024-02-29 10:00", nil, "2024-02-29T10:00:00Z")
reads("1979-05-27T07:32:00-08:00", nil, "1979-05-27T15:32:00Z")

local function fails(text, layout, reason)
    local read, message = datetime.parse(text, layout, "UTC")
    assert(read == nil and message == ("cannot parse '%s': %s"):format(text, reason),
        tostring(message))
end
fails("2024-13-01", "2006-01-02", "month out of range: 13")
fails("2023-02-29", "2006-01-02", "invalid date 2023-02-29")
fails("2023-366", "2006-002", "day of the year out of range")
fails("24-03-07", "2006-01-02", "year expected at '24-03-07'")
fails("2024-03-07x", "2006-01-02", "unexpected text 'x'")
fails("2024-03", "2006-01-02", "'-' expected at the end")
fails("Foo 1", "Jan 2", "month expected at 'Foo 1'")
fails("25:00", "15:04", "hour out of range: 25")
fails("10:00 XYZ", "15:04 MST", "unknown zone 'XYZ' (use an offset or a name of the given zone)")
fails("+2", "-07", "offset expected at '2'")
fails("é", "2", "day expected at 'é'")
fails("", "2006", "year expected at the end")
fails("yesterday", nil, "not an ISO 8601 date or time")
assert(select(2, datetime.parse("x", "%Y")):find("^cannot parse 'x': "))
assert(select(2, datetime.parse("\255\0", "2006")):find("^cannot parse"))

-- Calculating.
assert(datetime.add(100, 5.5) == 105.5 and datetime.add(100, "1m30s") == 190
    and datetime.add(100, "-1h") == -3500)
assert(datetime.add(0, { hours = 1, minutes = -30, seconds = 0.5 }) == 1800.5)
local function adds(text, parts, expected, zone)
    local got = datetime.format(datetime.add(datetime.parse(text, nil, zone), parts, zone),
        "2006-01-02 15:04", zone)
    assert(got == expected, got)
end
adds("2024-01-31 12:00", { months = 1 }, "2024-02-29 12:00", "UTC")
adds("2024-02-29 12:00", { years = 1 }, "2025-02-28 12:00", "UTC")
adds("2024-03-30 12:00", { days = 1 }, "2024-03-31 12:00", "Europe/Berlin")
adds("2024-03-30 12:00", "24h", "2024-03-31 13:00", "Europe/Berlin")
adds("2024-01-10 00:00", { weeks = 2, days = -1 }, "2024-01-23 00:00", "UTC")
assert(datetime.diff(100.5, 40) == 60.5 and datetime.diff(0, 86400) == -86400)

-- The program's zone.
os.setenv("TZ", "Asia/Tokyo")
assert(datetime.format(0, "15:04 MST") == "09:00 JST" and datetime.parse("1970-01-01 09:00") == 0
    and datetime.format(0, "15", "Local") == "09")

assert(math.abs(datetime.now() - os.time()) < 2)
local before = datetime.now()
datetime.sleep("20ms")
datetime.sleep(0.02)
assert(datetime.now() - before > 0.035)

-- Years before 0, in Go's format.
local year8 = datetime.parse("-008-12-31", "%Y-%m-%d", "UTC")
assert(datetime.format(year8, datetime.RFC3339, "UTC") == "-0008-12-31T00:00:00Z")
assert(datetime.format(year8, "06", "UTC") == "00")

local function raises(code, message)
    local ok, got = pcall(assert(loadstring(code, "=code")))
    assert(not ok and got:find("code:1: " .. message, 1, true) == 1, tostring(got))
end
raises("datetime.format()",
    "bad argument #1 to 'format' (time in the years -9999 to 9999 expected, got no value)")
raises("datetime.format(1e300)",
    "bad argument #1 to 'format' (time in the years -9999 to 9999 expected, got number)")
raises("datetime.format(0/0)", "bad argument #1 to 'format' (time")
raises("datetime.format(0, '%K')", "bad argument #2 to 'format' (layout '%K'")
raises("datetime.format(0, '\\255')", "bad argument #2 to 'format' (layout expected, got string)")
raises("datetime.format(0, nil, 'Mars/Base')",
    "bad argument #3 to 'format' (unknown time zone 'Mars/Base')")
raises("datetime.format(0, nil, '+99:00')",
    "bad argument #3 to 'format' (unknown time zone '+99:00')")
raises("datetime.parse('', '%')", "bad argument #2 to 'parse' (layout '%'")
raises("datetime.add(0, 'soon')",
    "bad argument #2 to 'add' (invalid duration 'soon' (expected e.g. 300ms, 10s, 1h30m))")
raises("datetime.add(0, true)",
    "bad argument #2 to 'add' (number of seconds, duration or table of fields expected, got "
    .. "boolean)")
raises("datetime.add(0, { day = 1 })",
    "bad argument #2 to 'add' (unknown field 'day' (expected one of years, months, weeks, "
    .. "days, hours, minutes, seconds))")
raises("datetime.add(0, { days = 0.5 })",
    "bad argument #2 to 'add' ('days' must be a whole number)")
raises("datetime.add(0, { years = 1e6 })",
    "bad argument #2 to 'add' (resulting time is out of range)")
raises("datetime.add(0, { months = 1e15 })",
    "bad argument #2 to 'add' (resulting time is out of range)")
raises("datetime.add(0, { years = 9000 })",
    "bad argument #2 to 'add' (resulting time is out of range)")
raises("datetime.add(0, 1e300)", "bad argument #2 to 'add' (resulting time is out of range)")
raises("datetime.add(0, 0/0)", "bad argument #2 to 'add' (resulting time is out of range)")
raises("datetime.sleep({})",
    "bad argument #1 to 'sleep' (number of seconds or duration expected, got table)")
raises("datetime.sleep('x')",
    "bad argument #1 to 'sleep' (invalid duration 'x' (expected e.g. 300ms, 10s, 1m30s))")
