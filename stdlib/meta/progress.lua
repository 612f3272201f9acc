---@meta

---Progress lines on a terminal: a line below the output, with a bar if the total is known, the
---speed, and the remaining time.
---
---The line is shown on stderr if that is a terminal, and otherwise not at all, so a program need
---not check. Other output appears above it. Of multiple bars, the one that started first is shown.
---`ft.download`, `ft.upload`, `ft.copy` and `tar` show their progress in the same way when they
---take longer than half a second, unless their option `progress` is false.

---Starts a bar. The option `unit` is the unit, in the plural; `"bytes"` are shown as sizes ("1.5
---MB").
---
---```lua
---local files = { "a.txt", "b.txt", "c.txt" }
---local bar = progress(#files, "copying")
---for _, name in ipairs(files) do
---    write_file(name, "text")
---    bar:advance()
---end
---bar:finish()
---
----- Without a total, it shows how much has been done so far.
---local bar = progress(nil, { label = "reading", unit = "bytes" })
---for line in io.lines("a.txt") do
---    bar:advance(#line + 1)
---end
---bar:clear()
---```
---@param total? number the total; nil if unknown
---@param label? string|{ label?: string, unit?: string } what is being done; or options
---@return ProgressBar bar
function progress(total, label) end

---A progress bar, created by `progress`.
---@class ProgressBar
local ProgressBar = {}

---Advances the bar by an amount. Frequent calls are cheap: the line is drawn at most ten times a
---second.
---
---```lua
---local bar = progress(1e5)
---for i = 1, 1e5 do bar:advance() end
---bar:finish()
---```
---@param amount? number default 1
function ProgressBar:advance(amount) end

---Sets the amount that is done.
---
---```lua
---local bar = progress(100, "percent")
---bar:set(50)
---bar:set(100)
---bar:finish()
---```
---@param done number
function ProgressBar:set(done) end

---Sets the label.
---@param text string
function ProgressBar:label(text) end

---Finishes the bar: the line stays, and output continues below it. Later calls have no effect.
function ProgressBar:finish() end

---Closes the bar: the line is removed. That also happens when the program ends, or the bar is
---collected.
function ProgressBar:clear() end
