---@meta

---How far some work has come, for whoever waits for it at a terminal: a line below the output, with a bar if the total is known, the
---speed, and the time that is left.
---
---It is shown on the standard error output if that is a terminal, and otherwise nowhere, so a program need not ask. What is printed
---meanwhile appears above it. Of several bars, the one that began first is shown. `ft.download`, `ft.upload`, `ft.copy` and `tar` show their work
---in the same way when it takes longer than half a second, unless their option `progress` is false.

---Begins some work. In options, `unit` is what is counted, in the plural; `"bytes"` are shown as sizes ("1.5 MB").
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
---@param total? number how much there is to do; nil if that is not known
---@param label? string|{ label?: string, unit?: string } what is being done; or options
---@return ProgressBar bar
function progress(total, label) end

---Some work whose progress is shown, from `progress`.
---@class ProgressBar
local ProgressBar = {}

---So much more is done. It costs next to nothing to call it often: the line is drawn at most ten times a second.
---
---```lua
---local bar = progress(1e5)
---for i = 1, 1e5 do bar:advance() end
---bar:finish()
---```
---@param amount? number default 1
function ProgressBar:advance(amount) end

---So much is done, all in all.
---
---```lua
---local bar = progress(100, "percent")
---bar:set(50)
---bar:set(100)
---bar:finish()
---```
---@param done number
function ProgressBar:set(done) end

---Says what is being done now.
---@param text string
function ProgressBar:label(text) end

---The work is over: the line stays as it is, and output goes on below it. Whatever is called afterwards does nothing.
function ProgressBar:finish() end

---The work is over: the line vanishes. That also happens when the program ends, or the bar is collected.
function ProgressBar:clear() end
