-- A million strings die together, repeatedly: short ones, which are interned, and long ones.
local function piece_of_garbage()
  local garbage
  for _ = 1, 50 do garbage = { garbage } end
  piece()
end

local KINDS = {
  { "short strings", "%d", 1000000, 1 },
  { "long strings", "%060d", 1000000, 1 },
  { "strings of 10 KB", "%099d", 20000, 100 },
}
for _, kind in ipairs(KINDS) do
  local name, format, count, times = unpack(kind)
  local strings = {}
  for i = 1, count do strings[i] = i end
  begin()
  for _ = 1, 2 do
    for i = 1, count do
      strings[i] = format:format(i):rep(times)
      if i % 50 == 0 then piece() end
    end
    for i = 1, count do
      strings[i] = i
      if i % 50 == 0 then piece() end
    end
    local before = cycles()
    repeat piece_of_garbage() until cycles() >= before + 2
  end
  report(("%d %s die together"):format(count, name))
end
