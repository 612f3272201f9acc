-- A coroutine that waits inside a goroutine is referenced only by the call that resumed it.
local results = {}
chan("done")
local function body(name)
  local list = {}
  for i = 1, 50 do list[i] = {i} end
  local value = receive(name)
  for i = 1, 50 do assert(list[i][1] == i) end
  return value
end
for i = 1, 20 do
  local name = "channel" .. i
  chan(name)
  go(function()
    results[i] = {xpcall(coroutine.resume, print, coroutine.create(body), name)}
    send("done", i)
  end)
  go(function()
    results[i + 20] = {coroutine.resume(unpack{coroutine.create(body), name})}
    send("done", i)
  end)
  go(function()
    results[i + 40] = {
      coroutine.wrap(function() return pcall(coroutine.resume, coroutine.create(body), name) end)(),
    }
    send("done", i)
  end)
end
local function churn()
  for i = 1, 2000 do local garbage = {i, {i}, tostring(i)} end
  collectgarbage()
  for i = 1, 2000 do local garbage = {i, {i}, tostring(i)} end
end
for i = 1, 20 do
  churn()
  for j = 1, 3 do send("channel" .. i, i) end
  for j = 1, 3 do assert(receive("done") == i) end
end
for i = 1, 20 do
  for j = 0, 40, 20 do
    local result = results[i + j]
    assert(result[1] == true and result[#result] == i, i .. " " .. j)
  end
end
