-- A string grows by 10,000 concatenations, many times.
local times = tonumber(arg and arg[1]) or 100
local text
for _ = 1, times do
  text = ""
  for _ = 1, 10000 do text = text .. "x" end
end
print(#text)
