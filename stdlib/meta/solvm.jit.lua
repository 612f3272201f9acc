---@meta

---Native code: machine code that SolVM makes for loops and functions that run often, unless it is
---started with `-jit off`. It is not a global: load it with `require "solvm.jit"`. What a program
---does is the same with and without native code.
---
---```lua
---local jit = require "solvm.jit"
---jit.off() -- the program is interpreted
---assert(not jit.on() or jit.status().on)
---```
---@class solvm.jit
solvm.jit = {}

---Makes native code again for what runs often, and runs it.
---@return boolean on false with `-jit off`, or if the machine has no native code
function solvm.jit.on() end

---Interprets the program from now on. Native code that was made is kept.
function solvm.jit.off() end

---Frees all native code. What runs often is compiled again.
function solvm.jit.flush() end

---Returns whether native code is on, the number of loops and functions that have it, and its size
---in bytes: fields `on`, `units` and `size`. A loop that needs several versions, for values of
---different kinds, is counted with each of them.
---@return table? status nil with `-jit off`, or if the machine has no native code
function solvm.jit.status() end
