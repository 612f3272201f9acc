-- A new string may get the address of a collected one that was a key: it must not get the key's
-- place in the hash part, where it may be in the chain of another hash.
math.randomseed(7)
local made, lost = 0, 0
for round = 1, 100 do
  local t, keys = {}, {}
  for step = 1, 1000 do
    if #keys < 3 or math.random(2) == 1 and #keys < 7 then
      made = made + 1
      t["key" .. made] = made
      keys[#keys + 1] = made
    else
      t["key" .. table.remove(keys, math.random(#keys))] = nil
    end
    if step % 20 == 0 then
      collectgarbage()
    end
    for _, key in ipairs(keys) do
      lost = lost + (t["key" .. key] == key and 0 or 1)
    end
  end
end
assert(lost == 0, lost .. " keys lost")
