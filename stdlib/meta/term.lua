---@meta

---Colours and the cursor of terminals, with the interface of lua-term 0.7, for programs written for
---it. It is not a global: load it with `require "term"`.
---
---`term.colors` has `reset`, `bright`, `dim`, `underscore`, `blink`, `reverse`, `hidden`, the
---colours `black`, `red`, `green`, `yellow`, `blue`, `magenta`, `cyan`, `white`, and backgrounds
---such as `onred`. Each can be concatenated with strings, or called with a text. `term.cursor` has
---`jump` (also `["goto"]`), `goup`, `godown`, `goright`, `goleft`, `save` and `restore`. The
---functions that write take a file as an optional first argument. `term.core` has `isatty` alone.
---
---```lua
---local term = require "term"
---assert(term.colors.red "warning" == "\27[31mwarning\27[0m")
---assert(term.colors.bright .. "x" == "\27[1mx" and not term.isatty(io.tmpfile()))
---```
---@class term
term = {}

---Whether a file is a terminal.
---@param file file*
---@return boolean
function term.isatty(file) end

---The same in the module `term.core`.
---@param file file*
---@return boolean
function term.core.isatty(file) end

---Erases the terminal.
---@param file? file* default standard output
function term.clear(file) end

---Erases the rest of the line.
---@param file? file* default standard output
function term.cleareol(file) end
