-- Straight-line code of many kinds of statement. Written by generate_mixed.lua.
local rounds = (tonumber(arg and arg[1]) or 240) * 500
local floor = math.floor
local t, flags = {}, { [0] = true, [2] = true, [3] = true }
for i = 1, 16 do t[i] = i * 3 end
local o = { x = 1, y = 2, z = 3, count = 4, total = 5 }
function o:step(n)
  self.count = (self.count + n) % 907
  return self.count
end
local function add(x, y) return x + y end
local a, b, c, d, e, f = 1, 2, 3, 4, 5, 6
for i = 1, rounds do
  a = o:step(o.total) % 769
  if not flags[b % 5] or e > 375 then d = (d + 3) % 601 end
  e = o:step(t[6]) % 769
  a = t[(i + 7) % 16 + 1]
  a = o:step(o.y) % 769
  t[i % 16 + 1] = f % 333
  t[i % 16 + 1] = c % 333
  d = add(c, c) % 1013
  a, b = b, a
  a, b = b, a
  for j = 1, 3 do c = (c + j) % 811 end
  t[i % 16 + 1] = f % 333
  o.count = (4 + a) % 1021
  t[i % 16 + 1] = b % 333
  e = #t + floor(e / 2)
  d = (o.z * 1) % 509
  for j = 1, 2 do c = (c + j) % 811 end
  o.y = (o.total * 2) % 509
  c = o:step(t[2]) % 769
  t[i % 16 + 1] = b % 333
  e = c - t[6] + 2048
  a = f - t[14] + 2048
  b = t[(i + 6) % 16 + 1]
  a, b = b, a
  if o.x == d then c = 33 end
  c = c - t[16] + 2048
  a = f - t[12] + 2048
  e = t[(i + 16) % 16 + 1]
  for j = 1, 2 do c = (c + j) % 811 end
  a, b = b, a
  if a < e then e = c % 97 else e = d + 1 end
  e = #t + floor(e / 6)
  f = add(c, 6) % 1013
  a = (d * 1) % 509
  o.y = (a + f) % 1021
  for j = 1, 2 do c = (c + j) % 811 end
  if f == e then b = 38 end
  if e < t[9] then a = e % 97 else b = d + 1 end
  a, b = b, a
  b = d - t[1] + 2048
  f = o:step(d) % 769
  e = #t + floor(c / 3)
  if c == t[2] then d = 4 end
  f = o:step(b) % 769
  if not flags[a % 5] or a > 266 then d = (d + 3) % 601 end
  a, b = b, a
  a, b = b, a
  if b < t[9] then f = f % 97 else e = d + 1 end
  if a == b then f = 40 end
  a, b = b, a
  d = (e * 4) % 509
  if b < t[7] then d = b % 97 else d = d + 1 end
  o.count = (o.count + 4) % 1021
  e = (f * 3) % 509
  a = o:step(o.total) % 769
  if e == 8 then f = 16 end
  c = o:step(t[14]) % 769
  f = o:step(2) % 769
  if not flags[f % 5] or d > 35 then d = (d + 3) % 601 end
  if not flags[c % 5] or c > 381 then d = (d + 3) % 601 end
  d = (o.y + o.total) % 1021
  if f < 7 then e = c % 97 else d = b + 1 end
  if not flags[f % 5] or a > 351 then d = (d + 3) % 601 end
  b = add(o.total, o.x) % 1013
  a, b = b, a
  if t[4] == a then c = 8 end
  c = b - t[16] + 2048
  t[7] = (d + f) % 1021
  b = t[(i + 16) % 16 + 1]
  for j = 1, 3 do c = (c + j) % 811 end
  for j = 1, 2 do c = (c + j) % 811 end
  o.count = (t[4] + 1) % 1021
  if t[15] == 7 then b = 25 end
  c = o:step(o.y) % 769
  if not flags[a % 5] or f > 351 then d = (d + 3) % 601 end
  a, b = b, a
  for j = 1, 1 do c = (c + j) % 811 end
  if e < 8 then c = a % 97 else a = a + 1 end
  d = o:step(t[4]) % 769
  a, b = b, a
  e = #t + floor(c / 1)
  t[i % 16 + 1] = d % 333
  a, b = b, a
  a = t[(i + 9) % 16 + 1]
  t[i % 16 + 1] = c % 333
  e = t[(i + 9) % 16 + 1]
  b = t[(i + 11) % 16 + 1]
  b = add(e, 9) % 1013
  if o.total == f then c = 35 end
  a = add(c, a) % 1013
  t[i % 16 + 1] = f % 333
  c = t[(i + 7) % 16 + 1]
  if b == o.y then f = 13 end
  f = e - t[8] + 2048
  f = (f * 1) % 509
  c = t[(i + 14) % 16 + 1]
  t[i % 16 + 1] = b % 333
  if b < 7 then c = f % 97 else c = f + 1 end
  if f < t[16] then c = b % 97 else e = c + 1 end
  e = o:step(8) % 769
  a, b = b, a
  for j = 1, 2 do c = (c + j) % 811 end
  b = b - t[4] + 2048
  e = o:step(d) % 769
  c = o:step(o.y) % 769
  e = a - t[8] + 2048
  if not flags[c % 5] or a > 307 then d = (d + 3) % 601 end
  c = o:step(2) % 769
  e = #t + floor(c / 2)
  if d < 7 then b = b % 97 else d = c + 1 end
  a = (1 + o.x) % 1021
  e = o:step(o.z) % 769
  f = o:step(o.y) % 769
  t[14] = (o.total + e) % 1021
  e = #t + floor(f / 3)
  a = e - t[8] + 2048
  t[i % 16 + 1] = d % 333
  e = add(8, t[13]) % 1013
  e = t[(i + 16) % 16 + 1]
  f = add(o.count, 5) % 1013
  o.x = (o.total * 4) % 509
  if t[14] == o.y then e = 15 end
  if d < b then e = d % 97 else c = b + 1 end
  b = o:step(d) % 769
  t[i % 16 + 1] = c % 333
  if not flags[d % 5] or e > 227 then d = (d + 3) % 601 end
  t[i % 16 + 1] = f % 333
  a = c - t[11] + 2048
  e = #t + floor(f / 6)
  c = (a * 3) % 509
  t[i % 16 + 1] = f % 333
  c = e - t[5] + 2048
  o.z = (o.x + t[10]) % 1021
  for j = 1, 3 do c = (c + j) % 811 end
  if not flags[c % 5] or e > 263 then d = (d + 3) % 601 end
  for j = 1, 3 do c = (c + j) % 811 end
  t[i % 16 + 1] = f % 333
  o.count = (t[10] * 1) % 509
  if f < o.x then f = d % 97 else b = e + 1 end
  a, b = b, a
  for j = 1, 2 do c = (c + j) % 811 end
  if a == o.count then a = 12 end
  if f == f then f = 32 end
  if not flags[e % 5] or a > 214 then d = (d + 3) % 601 end
  if f < o.z then e = c % 97 else a = e + 1 end
  b = t[(i + 11) % 16 + 1]
  t[i % 16 + 1] = f % 333
  e = add(8, t[2]) % 1013
  a, b = b, a
  t[i % 16 + 1] = e % 333
  t[2] = (t[15] + b) % 1021
  a, b = b, a
  if not flags[c % 5] or d > 183 then d = (d + 3) % 601 end
  c = (8 + a) % 1021
  t[i % 16 + 1] = e % 333
  if a < 9 then a = c % 97 else f = e + 1 end
  o.x = (d + c) % 1021
  d = b - t[2] + 2048
  if not flags[b % 5] or e > 160 then d = (d + 3) % 601 end
  for j = 1, 1 do c = (c + j) % 811 end
  e = #t + floor(e / 2)
  a = t[(i + 4) % 16 + 1]
  a, b = b, a
  e = add(o.x, t[15]) % 1013
  if not flags[a % 5] or e > 312 then d = (d + 3) % 601 end
  if a < t[4] then e = c % 97 else e = b + 1 end
  d = add(t[14], 9) % 1013
  for j = 1, 3 do c = (c + j) % 811 end
  e = #t + floor(a / 6)
  e = #t + floor(d / 6)
  t[i % 16 + 1] = e % 333
  e = t[(i + 4) % 16 + 1]
  e = #t + floor(e / 1)
  a = (o.count + o.y) % 1021
  e = t[(i + 16) % 16 + 1]
  a, b = b, a
  for j = 1, 2 do c = (c + j) % 811 end
  f = add(d, c) % 1013
  a = a - t[13] + 2048
  o.z = (f * 7) % 509
  e = #t + floor(d / 2)
  a, b = b, a
  if d == t[10] then f = 28 end
  a, b = b, a
  e = #t + floor(e / 3)
  if b == c then a = 49 end
  d = o:step(o.z) % 769
  b = d - t[8] + 2048
  t[i % 16 + 1] = a % 333
  if d < 7 then b = e % 97 else b = f + 1 end
  e = a - t[11] + 2048
  if b < o.count then f = a % 97 else d = b + 1 end
  t[i % 16 + 1] = c % 333
  e = #t + floor(f / 5)
  e = #t + floor(f / 5)
  t[i % 16 + 1] = e % 333
  if c == t[12] then f = 18 end
  t[2] = (c + 5) % 1021
  if not flags[c % 5] or f > 98 then d = (d + 3) % 601 end
  for j = 1, 2 do c = (c + j) % 811 end
  a, b = b, a
  e = #t + floor(f / 6)
  b = add(o.x, o.y) % 1013
  if a < t[12] then f = c % 97 else b = e + 1 end
  t[i % 16 + 1] = a % 333
  f = t[(i + 9) % 16 + 1]
  d = add(t[6], t[4]) % 1013
  d = o:step(b) % 769
  o.total = (b + e) % 1021
  for j = 1, 1 do c = (c + j) % 811 end
  f = f - t[11] + 2048
  e = #t + floor(e / 3)
  for j = 1, 1 do c = (c + j) % 811 end
  e = t[(i + 15) % 16 + 1]
  c = o:step(2) % 769
  if f < f then d = a % 97 else a = c + 1 end
  if not flags[b % 5] or f > 208 then d = (d + 3) % 601 end
  t[2] = (o.total * 7) % 509
  a = d - t[3] + 2048
  c = add(d, f) % 1013
  c = add(t[2], o.x) % 1013
  b = t[(i + 9) % 16 + 1]
  a = t[(i + 9) % 16 + 1]
  e = #t + floor(f / 4)
  c = a - t[15] + 2048
  t[i % 16 + 1] = e % 333
  for j = 1, 2 do c = (c + j) % 811 end
  d = add(9, a) % 1013
  a = t[(i + 5) % 16 + 1]
  if not flags[d % 5] or d > 216 then d = (d + 3) % 601 end
  a = a - t[10] + 2048
  e = #t + floor(f / 6)
  if e < d then d = e % 97 else e = d + 1 end
  e = #t + floor(f / 2)
  t[i % 16 + 1] = c % 333
  b = t[(i + 4) % 16 + 1]
  b = o:step(o.y) % 769
  d = add(b, t[6]) % 1013
  if e == o.x then a = 45 end
  if not flags[c % 5] or e > 119 then d = (d + 3) % 601 end
  e = add(1, 9) % 1013
  c = add(f, 1) % 1013
  if not flags[f % 5] or e > 72 then d = (d + 3) % 601 end
  a = add(3, e) % 1013
  a = d - t[13] + 2048
  if e < d then f = e % 97 else b = f + 1 end
  f = t[(i + 9) % 16 + 1]
  t[i % 16 + 1] = d % 333
  o.y = (d * 2) % 509
  a, b = b, a
  f = t[(i + 15) % 16 + 1]
  b = (o.z * 1) % 509
  if not flags[e % 5] or d > 235 then d = (d + 3) % 601 end
  c = o:step(t[4]) % 769
  if not flags[c % 5] or e > 53 then d = (d + 3) % 601 end
  for j = 1, 2 do c = (c + j) % 811 end
  d = add(2, b) % 1013
  for j = 1, 2 do c = (c + j) % 811 end
  e = b - t[7] + 2048
  if b < a then b = f % 97 else e = f + 1 end
  t[i % 16 + 1] = b % 333
  e = #t + floor(c / 3)
  e = #t + floor(d / 2)
  c = add(d, o.total) % 1013
  t[i % 16 + 1] = e % 333
  e = add(7, 3) % 1013
  b = t[(i + 7) % 16 + 1]
  a = b - t[10] + 2048
  if o.count == t[9] then b = 40 end
  e = #t + floor(d / 5)
  a, b = b, a
  e = t[(i + 4) % 16 + 1]
  a = o:step(7) % 769
  t[i % 16 + 1] = c % 333
  if not flags[e % 5] or c > 301 then d = (d + 3) % 601 end
  t[i % 16 + 1] = b % 333
  c = o:step(t[6]) % 769
  d = o:step(d) % 769
  e = add(c, o.x) % 1013
  if d < 6 then d = b % 97 else b = c + 1 end
  b = add(e, 3) % 1013
  if not flags[f % 5] or f > 142 then d = (d + 3) % 601 end
  c = add(7, 6) % 1013
  e = #t + floor(f / 3)
  e = d - t[4] + 2048
  t[i % 16 + 1] = d % 333
  if not flags[c % 5] or f > 144 then d = (d + 3) % 601 end
  d = b - t[13] + 2048
  o.total = (e * 7) % 509
  if not flags[a % 5] or a > 176 then d = (d + 3) % 601 end
  for j = 1, 2 do c = (c + j) % 811 end
  d = add(t[7], o.x) % 1013
  e = e - t[3] + 2048
  c = t[(i + 6) % 16 + 1]
  for j = 1, 1 do c = (c + j) % 811 end
  a, b = b, a
  if not flags[c % 5] or a > 124 then d = (d + 3) % 601 end
  a = t[(i + 13) % 16 + 1]
  e = #t + floor(b / 2)
  if a == 5 then e = 29 end
  a, b, c, d, e, f = a % 1009, b % 1009, c % 1009, d % 1009, e % 1009, f % 1009
end
local sum = a + b * 3 + c * 5 + d * 7 + e * 11 + f * 13 + o.x + o.y + o.z + o.count + o.total
for i = 1, 16 do sum = sum + t[i] * i end
print(string.format("%.14g", sum))
