-- lpeg: a match that takes too long is ended by the time limit.
-- exit: 124
-- options: -timeout 300ms
local lpeg = require "lpeg"
local P, V = lpeg.P, lpeg.V
-- Each level tries the next one twice.
local rules = { V(2) }
for i = 2, 40 do rules[i] = V(i + 1) * "x" + V(i + 1) * "y" end
rules[41] = P "a" ^ 0
pcall(function()
  P(rules):match("aaa")
end)
error("not ended")
