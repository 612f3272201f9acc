local function unused(a, ...) return arg.n end
local function used(a, ...) return arg, ... end
local function adjusted(...)
  local a = ...
  local b, c, d = 1, ...
  local t = {..., ...}
  return (...)
end
local function method(self, ...) self:call(...) end
