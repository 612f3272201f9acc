local a, b = ...
local c = a < b
c = a > b
c = a <= 1
c = 1 <= a
c = a == b
c = a ~= nil
c = "x" == a
c = a == 1.5
c = not (a == b)
c = not (a < b)
c = a < "x"
c = 1 < 2
c = a == b == c
if a < b then print(1) end
if a >= 10 then print(2) end
if 10 < a then print(3) end
if not (a <= b) then print(4) end
if a ~= b then print(5) end
if false == a then print(6) end
