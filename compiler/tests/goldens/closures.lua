local a, b
local function f() return a end
local function g() local function h() a = b; return a end return h end
local function recursive() return recursive() end
function global(x) return function() x = x + 1 return x end end
function global.field.name(x) end
function global:method(x) return self end
local t = {f = function() end}
-- Each iteration has its own variable; leaving the scope closes it.
for i = 1, 2 do t[i] = function() return i end if a then break end end
for k in pairs(t) do t[k] = function() return k end end
while a do local x = b; t.x = function() return x end; if b then break end end
repeat local y = b; t.y = function() return y end until y
do local z; t.z = function() return z end end
