---@meta

---Functions on all cores. A program is one VM, which runs on one thread. `worker.run` calls a
---function in another VM, an *isolate*, on a thread of its own; other goroutines go on meanwhile.
---
---```lua
---local worker = require "worker"
---
---local function primes(from, to)
---    local count = 0
---    for n = from, to do
---        local is_prime = n > 1
---        for d = 2, math.floor(math.sqrt(n)) do
---            if n % d == 0 then is_prime = false break end
---        end
---        if is_prime then count = count + 1 end
---    end
---    return count
---end
---
---assert(worker.run(primes, 1, 1000) == 168)
---local counts = worker.map({0, 1000, 2000}, function(from)
---    return primes(from + 1, from + 1000)
---end)
---assert(counts[1] == 168 and counts[2] == 135 and counts[3] == 127)
---```
---
---Isolates share nothing. What is sent to one and what comes back is **copied**: nil, booleans,
---numbers, strings, tables (with shared parts and cycles, without metatables), functions with their
---upvalues, and the libraries' own functions and tables. Anything else, such as a file, a coroutine
---or a channel, is an error that says where it is. Changes to a copy are not seen by the sender.
---
---A function finds the globals of the libraries there, not those that the script has set: what it
---needs are local variables, arguments, and the modules that it requires. Globals that it sets are
---gone after the call, and goroutines and servers that it starts are ended.
---
---Isolates have the permissions of the program and the limits of its options. `-memory-limit` holds
---for all of them together. At most `-max-isolates` calls run at the same time; further ones wait.
---Calls that a call makes are counted apart, so that it can wait for them; they may be four deep.
---
---It is not a global: load it with `require "worker"`. Programs that embed SolVM have no isolates.
---@class worker
worker = {}

---Calls a function in an isolate and waits for its results. An error there is raised here; that of
---a string has the traceback of the isolate. If the goroutine that waits is ended, so is the call.
---@param f function
---@param ... any its arguments
---@return any ... its results
function worker.run(f, ...) end

---Starts a call in an isolate and does not wait for it.
---
---```lua
---local worker = require "worker"
---local call = worker.spawn(function(n) return n + 1 end, 41)
---assert(call:wait() == 42)
---```
---@param f function
---@param ... any its arguments
---@return WorkerCall call
function worker.spawn(f, ...) end

---Calls a function for each element of a list and returns the list of its first results, in the
---same order. The calls run at the same time, as many as there are isolates. The function gets the
---element and its index. The first error is raised; the calls after it are stopped.
---
---```lua
---local worker = require "worker"
---local squares = worker.map({1, 2, 3}, function(x) return x * x end)
---assert(table.concat(squares, " ") == "1 4 9")
---```
---@param list any[]
---@param f fun(element: any, index: integer): any
---@return any[] results
function worker.map(list, f) end

---Runs a script in an isolate and returns what it returns. The arguments are its `...`.
---@param path string
---@param ... any
---@return any ...
function worker.file(path, ...) end

---Returns the largest number of calls that can run at the same time.
---@return integer size
function worker.size() end

---A call in an isolate.
---@class WorkerCall
local call = {}

---Waits for the end of the call and returns its results, or raises its error. Results are returned
---once.
---@return any ...
function call:wait() end

---Stops the call, unless it has ended; `wait` raises "cancelled".
function call:cancel() end
