-- Operations that move many entries can be suspended in between, and have the same result.
local list = {}
for i = 1, 1e5 do list[i] = i end
local other = table.move(list, 1, 1e5, 11, {})
assert(other[10] == nil and other[11] == 1 and other[1e5 + 10] == 1e5)

-- Up and down within one table.
assert(table.move(list, 1, 1e5, 2) == list and list[1] == 1 and list[2] == 1
    and list[1e5 + 1] == 1e5)
table.move(list, 2, 1e5 + 1, 1)
assert(list[1] == 1 and list[1e5] == 1e5)

-- Below the list everything in between moves up, as in Lua 5.1.
local short = { "a", "b" }
table.insert(short, -1, "z")
assert(short[-1] == "z" and short[0] == nil and short[1] == nil and short[2] == "a"
    and short[3] == "b")
local sparse = { "a" }
table.insert(sparse, -50000, "z")
assert(sparse[-50000] == "z" and sparse[2] == "a" and sparse[1] == nil)

-- Beyond it nothing does.
table.insert(sparse, 100, "y")
assert(sparse[100] == "y" and sparse[2] == "a")
