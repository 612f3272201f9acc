---@meta

---Goroutines: functions that run concurrently, on one thread, with the same globals. They are
---switched automatically, even in the middle of a computation; a goroutine that waits uses no
---processor time. An uncaught error in a goroutine is passed to `on_error`, or printed, and the
---others continue.

---Starts a goroutine that calls `f(...)`.
---
---```lua
---local results = chan()
---local id = go(function(a, b) send(results, a + b) end, 1, 2)
---assert(receive(results) == 3 and type(id) == "number")
---```
---@param f function
---@param ... any its arguments
---@return number id
function go(f, ...) end

---Waits until all goroutines started with `go` have ended.
---
---```lua
---local sum = 0
---for i = 1, 3 do go(function() sleep(0.01) sum = sum + i end) end
---wait()
---assert(sum == 6)
---```
function wait() end

---Suspends the calling goroutine for a number of seconds.
---
---```lua
---local start = os.time()
---sleep(0.01)
---```
---@param seconds number may have a fraction
function sleep(seconds) end

---The goroutines that have not ended: their numbers, with the places where their functions are
---defined.
---
---```lua
---go(function() sleep(0.01) end)
---for id, place in pairs(get_goroutines()) do
---    assert(type(id) == "number" and place:find("^example.lua:%d+$"))
---end
---```
---@return table<number, string>
function get_goroutines() end

---Memory statistics, in bytes: of the heap (`alloc`), ever allocated there (`total_alloc`), of the
---whole process (`sys`), each also as the difference to the program's start (`alloc_diff`,
---`total_alloc_diff`, `sys_diff`); the number of collections (`num_gc`) and of goroutines
---(`goroutines`).
---
---```lua
---local before = check_memory()
---local text = string.rep("x", 1e6)
---assert(check_memory().alloc_diff - before.alloc_diff > 9e5)
---```
---@return table<string, number>
function check_memory() end

---Prints the traceback to the standard output.
---
---```lua
---local function deep() trace() end
---deep()
---```
function trace() end
