local a, b
local function none() return end
local function one() return a end
local function one_local(x) return x end
local function two(x) return x, a end
local function open(x) return x, a() end
local function vararg(...) return ... end
local function vararg_one(...) return 1 end
local function tail(x) return x.y(x) end
local function captured(x)
  local function get() return x end
  if a then return get() end
  if b then return x end
  return get, x
end
