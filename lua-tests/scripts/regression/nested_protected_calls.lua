-- Each pcall or xpcall that calls another moves its arguments up; the stack has room for them at
-- any depth.
local function repeated(n, ...)
  local values, pattern = {}, {...}
  for i = 1, n do
    for j = 1, #pattern do values[#values + 1] = pattern[j] end
  end
  return values
end
local function handler(message) return message end

for _, n in ipairs{1, 5, 11, 12, 13, 50, 200, 1000, 5000} do
  local values = repeated(n, pcall)
  values[n + 1] = type
  values[n + 2] = "x"
  local results = coroutine.wrap(function() return {pcall(unpack(values))} end)()
  assert(#results == n + 2 and results[n + 2] == "string")
  values[n + 1] = error
  local results = coroutine.wrap(function() return {pcall(unpack(values))} end)()
  assert(#results == n + 2 and results[n] == true and results[n + 1] == false
    and results[n + 2] == "x")
end
for _, n in ipairs{1, 2, 3, 4, 5, 13, 50, 200, 1000} do
  local list = repeated(n, xpcall, handler)
  list[2 * n + 1] = type
  list[2 * n + 2] = handler
  list[2 * n + 3] = 1
  local results = coroutine.wrap(function() return {xpcall(unpack(list))} end)()
  assert(results[1] == true and results[#results] == "number", n)
end

-- With arguments, in a coroutine with the smallest stack.
local small = coroutine.wrap(function()
  return pcall(pcall, pcall, pcall, pcall, pcall, pcall, pcall, pcall, pcall, pcall, pcall, pcall,
    pcall, pcall, pcall,
    pcall, pcall, pcall, pcall, pcall, pcall, pcall, pcall, pcall, pcall, pcall, pcall, pcall,
    pcall, pcall, pcall)
end)
assert(select("#", small()) == 32)
