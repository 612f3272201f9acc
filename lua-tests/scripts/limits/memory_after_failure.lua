-- Values that filled the memory are garbage once the call has failed, although registers may still
-- refer to them: the program continues.
-- options: -memory-limit 64 -timeout 60s

local function fill()
  local filled = {}
  while true do
    local _, object = pcall(error, { filled })
    filled = object
  end
end

local function attempt()
  local succeeded, message = pcall(fill)
  local room = {}
  return succeeded, message, room, 4, 5, 6, 7, 8
end

local function attempt_with_handler()
  local succeeded, message = xpcall(fill, tostring)
  local room = {}
  return succeeded, message, room, 4, 5, 6, 7, 8
end

for _, try in ipairs({ attempt, attempt_with_handler, attempt }) do
  local succeeded, message, room = try()
  assert(not succeeded and message:find("not enough memory"), message)
  assert(#room == 0)
end
