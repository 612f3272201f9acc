-- Every instruction has the line of the last token that PUC Lua has read when it emits its own.
local a = b
  .c
  .d
a = a +
  b
  * 2
f(
  1,
  2
)
a:m
  "x"
local t = {
  x = 1,
  y = a,
  f()
}
if a
then
  f()
else
  f()
end
while
  a
do
  f()
end
for i = 1,
  2
do
  f()
end
for k in
  f
do
  f()
end
function
  g
()
end
return
  a,
  b
