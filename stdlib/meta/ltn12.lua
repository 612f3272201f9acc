---@meta

---Filters, sources, sinks and pumps with LuaSocket's interface. Load it with `require "ltn12"`.
---
---A source returns the next chunk, nil at the end; a sink takes chunks, and nil at the end; a
---filter turns a chunk into output, which is `""` if it needs more.
---
---```lua
---local ltn12 = require "ltn12"
---local shout = ltn12.filter.cycle(function(context, chunk) return chunk and chunk:upper() end, 0)
---local sink, chunks = ltn12.sink.table()
---ltn12.pump.all(ltn12.source.string("hello"), ltn12.sink.chain(shout, sink))
---assert(table.concat(chunks) == "HELLO")
---```
---
---| table | functions |
---|---|
---| `filter` | `chain(filter, ...)`, `cycle(function, context, extra)` |
---| `source` | `cat`, `chain`, `empty`, `error`, `file`, `rewind`, `simplify`, `string`, `table` |
---| `sink` | `chain`, `error`, `file`, `null`, `simplify`, `table` |
---| `pump` | `all(source, sink[, step])`, `step(source, sink)` |
---@class ltn12
ltn12 = {}

---The version of the interface.
ltn12._VERSION = "LTN12 1.0.3"

---The size of the chunks of `source.file` and `source.string`.
ltn12.BLOCKSIZE = 2048
