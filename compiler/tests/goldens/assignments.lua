local a, b, t, i = ...
a, b = b, a
a, b = 1
a, b = print()
a, b = 1, 2, print()
t[i], i = i, 1
i, t[i] = 1, i
t.x, t = t, nil
t, t.x = nil, t
x, y = y, x
a, t[i], t.x, x = 1, 2, 3, 4
a = b
a = a
a = t
local function f() a, x = x, a; b = b + 1 end
