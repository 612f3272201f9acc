---@meta

---Timestamps: formatting, parsing and arithmetic.
---
---A timestamp is a number: seconds since the start of 1970 in UTC, as `os.time` returns, with a
---fraction that is precise to the microsecond. A zone is "UTC", "Local" (the environment variable
---`TZ` or the operating system's setting; the default), a name such as "Europe/Berlin", or an
---offset such as "+02:00".
---
---A layout shows the time Monday, January 2, 15:04:05 MST 2006 in the required format, as in Go:
---`"2006-01-02 15:04:05"`. A layout with a `%` is one of strftime: `"%Y-%m-%d"`.
---
---| part | layouts |
---|---|---|
---| year | `2006` `06` |
---| month | `January` `Jan` `01` `1` |
---| day | `02` `_2` `2`; of the year `002` `__2` |
---| weekday | `Monday` `Mon` |
---| hour | `15` `03` `3` with `PM` or `pm` |
---| minute, second | `04` `4`, `05` `5` |
---| fraction | after the seconds: `.000` (that many digits) or `.999` (up to that many) |
---| zone | `MST` `Z07:00` `Z0700` `Z07` `-07:00` `-0700` `-07` |
---
---```lua
---local timestamp = datetime.parse("2024-03-30 12:00:00", datetime.DateTime, "UTC")
---assert(datetime.format(datetime.add(timestamp, { months = 1 }), "Monday, 2 January 2006", "UTC")
---  == "Tuesday, 30 April 2024")
---```
---@class datetime
datetime = {}

---The current time.
---
---```lua
---assert(math.abs(datetime.now() - os.time()) < 2)
---```
---@return number timestamp
function datetime.now() end

---Formats a timestamp.
---
---```lua
---assert(datetime.format(0, "2006-01-02 15:04:05", "UTC") == "1970-01-01 00:00:00")
---assert(datetime.format(0, "%d.%m.%Y %H:%M", "+01:00") == "01.01.1970 01:00")
---```
---@param timestamp number
---@param layout? string as in RFC 3339 if left out
---@param zone? string
---@return string text
function datetime.format(timestamp, layout, zone) end

---Parses a time, in the given zone unless the string contains one. Parts that the layout omits are
---those of the start of 1970. Without a layout, the string is an ISO 8601 date or date and time. A
---time that clocks skip is read as if they had not.
---
---```lua
---assert(datetime.parse("1970-01-01T01:00:00+01:00") == 0)
---assert(datetime.parse("2 Jan 1970", "2 Jan 2006", "UTC") == 86400)
---
---local nothing, message = datetime.parse("2023-02-29", "2006-01-02")
---assert(nothing == nil and message == "cannot parse '2023-02-29': invalid date 2023-02-29")
---```
---@param text string
---@param layout? string
---@param zone? string
---@return number? timestamp nil if the string does not match
---@return string? message why not
function datetime.parse(text, layout, zone) end

---Adds a duration to a timestamp.
---
---A duration is a number of seconds, a string in Go's format ("1h30m", "-300ms"), or a table with
---any of `years`, `months`, `weeks`, `days`, `hours`, `minutes`, `seconds`. Years to days of a
---table are added in the calendar of the zone, before the rest: a day may have 23 hours, and a
---month after January 31 is the last day of February.
---
---```lua
---assert(datetime.add(0, "1m30s") == 90)
---
---local january = datetime.parse("2024-01-31", nil, "UTC")
---assert(datetime.format(datetime.add(january, { months = 1 }, "UTC"), "2006-01-02", "UTC")
---  == "2024-02-29")
---```
---@param timestamp number
---@param duration number|string|table
---@param zone? string
---@return number timestamp
function datetime.add(timestamp, duration, zone) end

---The difference of two timestamps in seconds.
---
---```lua
---assert(datetime.diff(datetime.parse("1970-01-02", nil, "UTC"), 0) == 86400)
---```
---@param a number
---@param b number
---@return number seconds `a - b`
function datetime.diff(a, b) end

---Sleeps, while other goroutines run: the same as `sleep`, but accepts durations as strings.
---
---```lua
---local before = datetime.now()
---datetime.sleep("20ms")
---assert(datetime.now() > before)
---```
---@param duration number|string seconds, or a duration such as "1m30s"
function datetime.sleep(duration) end

---A predefined layout of Go.
---@type string
datetime.ANSIC = "Mon Jan _2 15:04:05 2006"

---A predefined layout of Go.
---@type string
datetime.DateOnly = "2006-01-02"

---A predefined layout of Go.
---@type string
datetime.DateTime = "2006-01-02 15:04:05"

---A predefined layout of Go.
---@type string
datetime.Kitchen = "3:04PM"

---A predefined layout of Go.
---@type string
datetime.RFC1123 = "Mon, 02 Jan 2006 15:04:05 MST"

---A predefined layout of Go.
---@type string
datetime.RFC1123Z = "Mon, 02 Jan 2006 15:04:05 -0700"

---A predefined layout of Go.
---@type string
datetime.RFC3339 = "2006-01-02T15:04:05Z07:00"

---A predefined layout of Go.
---@type string
datetime.RFC3339Nano = "2006-01-02T15:04:05.999999999Z07:00"

---A predefined layout of Go.
---@type string
datetime.RFC822 = "02 Jan 06 15:04 MST"

---A predefined layout of Go.
---@type string
datetime.RFC850 = "Monday, 02-Jan-06 15:04:05 MST"

---A predefined layout of Go.
---@type string
datetime.TimeOnly = "15:04:05"

---A predefined layout of Go.
---@type string
datetime.UnixDate = "Mon Jan _2 15:04:05 MST 2006"
