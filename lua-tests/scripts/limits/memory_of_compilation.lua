-- The syntax tree of a chunk may not be larger than the heap.
-- options: -memory-limit 64 -timeout 60s
local huge, message = load(("x = x + 1 "):rep(2e6))
assert(huge == nil and message:find("not enough memory", 1, true), message)
assert(load("return 1")() == 1)
