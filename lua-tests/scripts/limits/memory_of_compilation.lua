-- The syntax tree of a chunk counts while it is compiled.
-- options: -memory-limit 64 -timeout 60s
local huge, message = load(("x = x + 1 "):rep(2e6))
assert(huge == nil and message:find("not enough memory", 1, true), message)
assert(load("return 1")() == 1)
