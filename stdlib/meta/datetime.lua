---@meta

---Moments, their text, and calculating with them.
---
---A moment is a number: seconds since the beginning of 1970 in universal time, as `os.time` gives them, with a fraction that
---counts to the microsecond. A zone is "UTC", "Local" (what the environment variable `TZ` or the system says, and what is
---meant if none is given), a name such as "Europe/Berlin", or an offset such as "+02:00".
---
---A layout shows the moment Monday, January 2, 15:04:05 MST 2006 in the form that is wanted, as in Go: `"2006-01-02 15:04:05"`.
---A layout with a `%` is one of strftime: `"%Y-%m-%d"`.
---
---| part | layouts |
---|---|---|
---| year | `2006` `06` |
---| month | `January` `Jan` `01` `1` |
---| day | `02` `_2` `2`; of the year `002` `__2` |
---| weekday | `Monday` `Mon` |
---| hour | `15` `03` `3` with `PM` or `pm` |
---| minute, second | `04` `4`, `05` `5` |
---| fraction | behind the seconds `.000` (that many digits) or `.999` (up to that many) |
---| zone | `MST` `Z07:00` `Z0700` `Z07` `-07:00` `-0700` `-07` |
---
---```lua
---local moment = datetime.parse("2024-03-30 12:00:00", datetime.DateTime, "UTC")
---assert(datetime.format(datetime.add(moment, { months = 1 }), "Monday, 2 January 2006", "UTC") == "Tuesday, 30 April 2024")
---```
---@class datetime
datetime = {}

---The present moment.
---
---```lua
---assert(math.abs(datetime.now() - os.time()) < 2)
---```
---@return number moment
function datetime.now() end

---The text of a moment.
---
---```lua
---assert(datetime.format(0, "2006-01-02 15:04:05", "UTC") == "1970-01-01 00:00:00")
---assert(datetime.format(0, "%d.%m.%Y %H:%M", "+01:00") == "01.01.1970 01:00")
---```
---@param moment number
---@param layout? string as in RFC 3339 if left out
---@param zone? string
---@return string text
function datetime.format(moment, layout, zone) end

---The moment that a text says, in a zone unless the text says one. What the layout leaves out is the beginning of 1970. Without a
---layout, the text is a date or a date and time as in ISO 8601. A time that clocks skip is taken as if they had not.
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
---@return number? moment nil if the text does not fit
---@return string? message why not
function datetime.parse(text, layout, zone) end

---The moment that is so much later, or earlier.
---
---A duration is a number of seconds, a text as Go writes it ("1h30m", "-300ms"), or a table with any of `years`, `months`,
---`weeks`, `days`, `hours`, `minutes`, `seconds`. Of a table, years to days are added by the calendar of the zone, before the
---rest: a day may have 23 hours, and a month later than January 31 is the last of February.
---
---```lua
---assert(datetime.add(0, "1m30s") == 90)
---
---local january = datetime.parse("2024-01-31", nil, "UTC")
---assert(datetime.format(datetime.add(january, { months = 1 }, "UTC"), "2006-01-02", "UTC") == "2024-02-29")
---```
---@param moment number
---@param duration number|string|table
---@param zone? string
---@return number moment
function datetime.add(moment, duration, zone) end

---How many seconds one moment is later than another.
---
---```lua
---assert(datetime.diff(datetime.parse("1970-01-02", nil, "UTC"), 0) == 86400)
---```
---@param a number
---@param b number
---@return number seconds `a - b`
function datetime.diff(a, b) end

---Sleeps, while other goroutines run: the same as `sleep`, but for durations as text.
---
---```lua
---local before = datetime.now()
---datetime.sleep("20ms")
---assert(datetime.now() > before)
---```
---@param duration number|string seconds, or a duration such as "1m30s"
function datetime.sleep(duration) end

---A layout, as Go names it.
---@type string
datetime.ANSIC = "Mon Jan _2 15:04:05 2006"

---A layout, as Go names it.
---@type string
datetime.DateOnly = "2006-01-02"

---A layout, as Go names it.
---@type string
datetime.DateTime = "2006-01-02 15:04:05"

---A layout, as Go names it.
---@type string
datetime.Kitchen = "3:04PM"

---A layout, as Go names it.
---@type string
datetime.RFC1123 = "Mon, 02 Jan 2006 15:04:05 MST"

---A layout, as Go names it.
---@type string
datetime.RFC1123Z = "Mon, 02 Jan 2006 15:04:05 -0700"

---A layout, as Go names it.
---@type string
datetime.RFC3339 = "2006-01-02T15:04:05Z07:00"

---A layout, as Go names it.
---@type string
datetime.RFC3339Nano = "2006-01-02T15:04:05.999999999Z07:00"

---A layout, as Go names it.
---@type string
datetime.RFC822 = "02 Jan 06 15:04 MST"

---A layout, as Go names it.
---@type string
datetime.RFC850 = "Monday, 02-Jan-06 15:04:05 MST"

---A layout, as Go names it.
---@type string
datetime.TimeOnly = "15:04:05"

---A layout, as Go names it.
---@type string
datetime.UnixDate = "Mon Jan _2 15:04:05 MST 2006"
