-- watch_file: writes, replacements, links, directories, files that are created later; errors in
-- callbacks; stopping.
local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and tostring(message):find(text, 1, true), tostring(message))
end
local root = os.tmpname()
os.remove(root)
assert(mkdir(root))
local function at(name) return root .. "/" .. name end

-- Waits for `count` calls, then for unexpected ones. (On a busy machine a change in several steps
-- may cause several calls.)
local calls
local function note(path) calls[#calls + 1] = path end
local function expect(count, f)
  calls = {}
  f()
  local deadline = os.time() + 10
  while #calls < count and os.time() < deadline do
    sleep(0.01)
  end
  sleep(0.15)
  assert(count == 0 and #calls == 0 or count > 0 and #calls >= count,
    #calls .. " calls, wanted " .. count)
end

write_file(at("a.txt"), "one")
write_file(at("other.txt"), "x")
local id = watch_file(at("a.txt"), note)
assert(type(id) == "number")
expect(1, function() write_file(at("a.txt"), "two") end)
assert(calls[1] == at("a.txt") and read_file(at("a.txt")) == "two")
expect(1, function()
  local file = io.open(at("a.txt"), "w")
  file:write("in ")
  file:flush()
  file:write("place")
  file:close()
end)
expect(1, function() append_file(at("a.txt"), "more") end)
expect(1, function()
  os.rename(at("a.txt"), at("a.txt~"))
  write_file(at("new"), "replaced")
  os.rename(at("new"), at("a.txt"))
end)
expect(1, function()
  remove(at("a.txt"))
  sleep(0.2)
  assert(#calls == 0, "one that is not there is waited for")
  write_file(at("a.txt"), "back")
end)
expect(0, function()
  read_file(at("a.txt"))
  write_file(at("other.txt"), "y")
end)

-- Many changes at the same time are one.
expect(1, function()
  for i = 1, 100 do
    append_file(at("a.txt"), i)
  end
end)
assert(#calls <= 10, #calls)

-- Multiple watchers of one file, and another file of the directory
local second = watch_file(at("a.txt"), note)
local third = watch_file(at("other.txt"), note)
assert(second ~= id)
expect(2, function() append_file(at("a.txt"), "x") end)
expect(1, function() append_file(at("other.txt"), "x") end)
assert(unwatch_file(second) == true and unwatch_file(second) == false and unwatch_file(third)
  and unwatch_file(99) == false)
expect(1, function() append_file(at("a.txt"), "x") end)
assert(unwatch_file(id))
expect(0, function() append_file(at("a.txt"), "x") end)

-- A file that is created later; a link, whose target changes; a directory
id = watch_file(at("later.txt"), note)
expect(1, function() write_file(at("later.txt"), "") end)
unwatch_file(id)
mkdir(at("target"))
write_file(at("target/real.txt"), "")
os.execute("ln -s target/real.txt " .. at("link.txt"))
id = watch_file(at("link.txt"), note)
expect(1, function() append_file(at("target/real.txt"), "x") end)
unwatch_file(id)
id = watch_file(at("target"), note)
expect(1, function() write_file(at("target/new.txt"), "x") end)
assert(calls[1] == at("target"))
expect(1, function() remove(at("target/new.txt")) end)
unwatch_file(id)

-- An error in the function is passed to `on_error`; the watcher continues.
local errors = {}
on_error(function(message) errors[#errors + 1] = message end)
local count = 0
id = watch_file(at("a.txt"), function()
  count = count + 1
  error("oh " .. count)
end)
for i = 1, 2 do
  append_file(at("a.txt"), "x")
  while #errors < i do
    sleep(0.01)
  end
  sleep(0.1)
end
assert(count == 2 and errors[2]:find("oh 2", 1, true))
unwatch_file(id)

-- One that stops itself, and waits in its function
local stopped
id = watch_file(at("a.txt"), function()
  sleep(0.01)
  assert(unwatch_file(id))
  sleep(0.01)
  stopped = true
end)
local found
for _, name in pairs(get_goroutines()) do
  found = found or name:find("watch.lua:%d+$")
end
assert(found)
append_file(at("a.txt"), "x")
while not stopped do
  sleep(0.01)
end

-- Invalid arguments, and files that cannot be watched
fails("bad argument #1 to 'watch_file' (string expected, got nil)", function()
  watch_file(nil, print)
end)
fails("bad argument #2 to 'watch_file' (function expected, got no value)", function()
  watch_file("x")
end)
local result, message = watch_file(at("missing/a.txt"), note)
assert(result == nil and message == at("missing/a.txt") .. ": No such file or directory", message)
assert(watch_file("a\0b", note) == nil)

-- Without watchers the program ends; there is a script to reload.
assert(remove(root, true))
