local a, b, c = ...
local d = a and b
d = a or b
d = a and b or c
d = (a or b) and c
d = d or 1
d = a and d
d = a and print() or d
d = not a
d = not (a and b)
d = a and b == c
d = a == b or not c and "x"
d = nil or a
d = 1 and a
d = false and a
if a and (b or not c) then print(1) else print(2) end
if not (a or b) then print(3) elseif c then print(4) end
if true then print(5) end
if nil then print(6) end
while not a do print(7) end
return a and b or c, not not a
