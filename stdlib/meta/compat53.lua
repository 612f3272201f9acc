---@meta

---The libraries of Lua 5.3 for programs that run on Lua 5.1, with the interface of the rock
---compat53 0.7. It is not a global: load it with `require`.
---
---`require "compat53"` changes the globals: `load`, `pairs`, `ipairs`, `string`, `table`, `math`,
---`utf8`, `coroutine`, `io`, `os.execute` and the methods of files are as in Lua 5.3.
---`require "compat53.module"` returns a table that has them, on top of the globals, which stay as
---they are. `compat53.string`, `compat53.table` and `compat53.utf8` are the C modules of the
---original, for its own Lua files. Numbers are doubles, so that integers are exact up to 2^53,
---which is `math.maxinteger`. `pcall` and coroutines are SolVM's own.
---
---```lua
---local compat = require "compat53.module"
---assert(compat.math.type(3) == "integer" and compat.table.pack(1, nil).n == 2)
---local proxy = setmetatable({}, { __len = function() return 2 end,
---    __index = function(_, i) return i * 10 end })
---assert(compat.table.concat(proxy, ",") == "10,20")
---```
---@class compat53
compat53 = {}

---Values as bytes: `string.pack`.
---
---```lua
---local pack = require "compat53.string".pack
---assert(pack(">i2", 258) == "\1\2")
---```
---@param format string
---@param ... string|number
---@return string bytes
function compat53.string.pack(format, ...) end

---The size of what a format packs: `string.packsize`.
---@param format string
---@return number bytes
function compat53.string.packsize(format) end

---The values in bytes: `string.unpack`.
---@param format string
---@param data string
---@param position? number
---@return any ... the values, then the position after them
function compat53.string.unpack(format, data, position) end
