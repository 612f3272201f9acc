local a, f = ...
local t = {}
t = {1, 2, "three", true}
t = {x = 1, y = "z"}
t = {1, x = 2, 3}
t = {x = a, y = 2, f()}
t = {a, a, a}
t = {1, a, 3, nil, f()}
t = {a, 2, a, a}
t = {x = 1, x = a, y = a, y = 2}
t = {["x"] = 1, [a] = 2, 3}
t = {[1] = a, [2.5] = a}
t = {...}
t = {(...)}
t = {{1}, {x = {}}}
t = {f(), f()}
a = {a}
a = {1}
t = {a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,x = 1}
