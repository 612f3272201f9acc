-- Follows a growing file, such as a log, and prints its new lines; with a Lua pattern, those that
-- match it.
--
--   solvm examples/tail.lua [--all] FILE [PATTERN]
--
--   solvm examples/tail.lua --all server.log "ERROR"        also its existing contents
--
-- It continues when the file is emptied or replaced by a new one (log rotation), and ends with
-- Ctrl-C.

local lfs = require("lfs")

local from_start = arg[1] == "--all"
if from_start then
  table.remove(arg, 1)
end
local path, pattern = arg[1], arg[2] or ""
if not path then
  io.stderr:write("usage: solvm tail.lua [--all] FILE [PATTERN]\n")
  os.exit(2)
end

-- The chunk size for reading.
local PIECE = 65536

local number -- The system's number of the file: another one is another file.
local position = 0 -- Up to where it has been read.
local rest = "" -- The beginning of a line whose end has not been written yet.

local function show(line)
  if line:find(pattern) then
    print(line)
  end
  return "" -- what gsub puts in its place
end

-- Prints the lines that have been appended.
local function read_on()
  local info = lfs.attributes(path)
  if not info then
    return -- It is being replaced.
  end
  if info.ino ~= number or info.size < position then
    number, position, rest = info.ino, 0, ""
  end
  local file = assert(io.open(path, "rb"))
  file:seek("set", position)
  while true do
    local piece = file:read(PIECE)
    if not piece then break end
    position = position + #piece
    rest = (rest .. piece):gsub("([^\n]*)\n", show)
  end
  file:close()
end

local info = lfs.attributes(path)
if info and not from_start then
  number, position = info.ino, info.size
end

-- The watcher only reports that something has changed: one pending event is enough.
local changed = chan(1)
assert(watch_file(path, function() send(changed, true, 0) end))
while true do
  read_on()
  receive(changed)
end
