local a, t = ...
while a < 10 do a = a + 1 end
while true do if a then break end end
repeat a = a - 1 until a < 0
repeat local x = a; if x then break end until x == 1
for i = 1, 10 do print(i) end
for i = 1, a, 2 do print(i) end
for i = 10, 1, -1 do print(i) end
for i = 1, 2, a do print(i) end
for k, v in pairs(t) do print(k, v) end
for k in next, t do print(k) end
for a, b, c, d, e in t do if a then break end end
