local f, t = ...
f()
f(1, t)
f(f())
f(1, f())
f((f()))
f(...)
f(1, ...)
f"string"
f{1}
t.x.y(1)
t:method(1, f())
t:method().field:other()
f(1)(2)(3)
local a = f()
local a, b = 1, f()
local c = (f())
local d, e = (f()), f(), f()
x = f().y
local function tail(...)
  if f then return f(...) end
  if t then return t:method(1) end
  return (f())
end
