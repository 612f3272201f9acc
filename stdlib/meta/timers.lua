---@meta

---Timers and schedules. Each run is in a new goroutine; if a run takes longer than the interval,
---the next one waits. The program runs as long as a timer is pending, and the default time limit is
---paused in the meantime.

---Calls a function once, after a delay.
---
---```lua
---local done = chan(1)
---set_timeout(function() send(done, true) end, 0.01)
---assert(receive(done))
---```
---@param f function
---@param seconds number
---@return number id for `clear_timeout`
function set_timeout(f, seconds) end

---Calls a function repeatedly.
---
---```lua
---local count, id = 0, nil
---id = set_interval(function()
---    count = count + 1
---    if count == 3 then clear_interval(id) end
---end, 0.01)
---```
---@param f function
---@param seconds number
---@return number id for `clear_interval`
function set_interval(f, seconds) end

---Calls a function on a schedule: six fields (second, minute, hour, day of month, month, day of
---week from 0, a Sunday), each `*`, a number, a name, a range `1-5`, a step `*/5` or a list of
---these; or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`, `@every 5s`. If both days are
---given, either may match. A schedule that never matches (the 30th of February) is an error.
---
---```lua
---local id = cron("*/5 * * * * *", function() print("every five seconds") end)
---clear_cron(id)
---assert(pcall(cron, "no schedule", print) == false)
---```
---@param schedule string
---@param f function
---@return number id for `clear_cron`
function cron(schedule, f) end

---Cancels a timer of `set_timeout`. A function that is running continues.
---
---```lua
---clear_timeout(set_timeout(print, 60))
---```
---@param id number
function clear_timeout(id) end

---Cancels a timer of `set_interval`.
---
---```lua
---clear_interval(set_interval(print, 60))
---```
---@param id number
function clear_interval(id) end

---Cancels a schedule.
---
---```lua
---clear_cron(cron("@hourly", print))
---```
---@param id number
function clear_cron(id) end
