-- Files and directories as global functions.
-- options: -timeout 60s -memory-limit 256
local function refused(message, ...)
  local result, text, code = ...
  assert(result == nil and tostring(text):find(message, 1, true) and type(code) == "number",
    tostring(text))
end
local function fails(message, f, ...)
  local ok, text = pcall(f, ...)
  assert(not ok and tostring(text):find(message, 1, true), tostring(text))
end
local function shell(command)
  local pipe = io.popen(command)
  local text = pipe:read("*a")
  pipe:close()
  return (text:gsub("%s+$", ""))
end

local root = shell("mktemp -d")
local function at(name) return root .. "/" .. name end

-- Reading and writing.
assert(write_file(at("a.txt"), "hello\0world") == true and read_file(at("a.txt")) == "hello\0world")
assert(write_file(at("a.txt"), "") and read_file(at("a.txt")) == "")
assert(append_file(at("a.txt"), "one") and append_file(at("a.txt"), 2)
  and read_file(at("a.txt")) == "one2")
assert(append_file(at("new.txt"), "x") and read_file(at("new.txt")) == "x")
local large = ("0123456789abcdef"):rep(400000)
assert(write_file(at("large"), large) and read_file(at("large")) == large)
assert(#read_file("/proc/self/status") > 100, "a file whose size is not told")
refused(at("missing") .. ": No such file or directory", read_file(at("missing")))
refused(root .. ": Is a directory", read_file(root))
refused("Is a directory", write_file(root, "x"))
refused("No such file or directory", write_file(at("missing/a.txt"), "x"))
refused("No such file or directory", append_file(at("missing/a.txt"), "x"))
refused("unexpected NUL byte", read_file("a\0b"))
refused("unexpected NUL byte", write_file(at("a\0b"), "x"))
refused("No such file or directory", read_file(""))
fails("bad argument #1 to 'read_file' (string expected, got nil)", function() read_file(nil) end)
fails("bad argument #1 to 'read_file' (string expected, got no value)", function() read_file() end)
fails("bad argument #2 to 'write_file' (string expected, got table)", function()
  write_file(at("x"), {})
end)
fails("not enough memory", function() read_file("/dev/zero") end)
assert(not exists(at("x")))

-- Replacing a file keeps permissions, replaces the target of a link, and leaves no temporary files.
os.execute("chmod 600 " .. at("a.txt") .. "; ln -s a.txt " .. at("link"))
assert(write_file(at("link"), "through"))
assert(read_file(at("a.txt")) == "through" and shell("stat -c %a " .. at("a.txt")) == "600")
assert(shell("readlink " .. at("link")) == "a.txt")
assert(shell("umask 022; stat -c %a " .. at("new.txt")) == "644")
assert(write_file("/dev/null", "gone") == true)
assert(shell("ls -A " .. root) == "a.txt\nlarge\nlink\nnew.txt")

-- Memory: data that was read before is garbage.
for _ = 1, 12 do
  assert(#read_file(at("large")) == #large)
end

-- Directories.
assert(mkdir(at("folder")) == true)
refused("File exists", mkdir(at("folder")))
refused("No such file or directory", mkdir(at("deep/er/folder")))
assert(mkdir(at("deep/er/folder"), true) == true and mkdir(at("deep/er/folder"), true) == true)
refused("Not a directory", mkdir(at("a.txt/x"), true))
refused("File exists", mkdir(at("a.txt"), true))
assert(exists(at("deep")) and exists(at("a.txt")) and not exists(at("nothing"))
  and not exists("\0"))
os.execute("ln -s nowhere " .. at("dangling"))
assert(exists(at("dangling")) == false)
assert(write_file(at("deep/b.lua"), "b") and write_file(at("deep/er/c.lua"), "c")
  and write_file(at("deep/.hidden"), ""))

-- list_dir
local entries = list_dir(at("deep"))
assert(#entries == 3)
local hidden, b, er = entries[1], entries[2], entries[3]
assert(hidden.name == ".hidden" and hidden.size == 0)
assert(b.name == "b.lua" and b.is_dir == false and b.size == 1 and b.mode:match("^%-rw%-r")
  and b.permissions % 8 == 4)
assert(er.name == "er" and er.is_dir == true and er.mode:match("^drwx"))
assert(math.abs(b.mod_time - os.time()) < 60 and os.date("%Y", b.mod_time))
assert(#list_dir(at("folder")) == 0)
refused("No such file or directory", list_dir(at("missing")))
refused("Not a directory", list_dir(at("a.txt")))

-- file_info
local about = file_info(at("link"))
assert(about.name == "link" and about.size == #"through" and not about.is_link and not about.is_dir)
about = file_info(at("link"), false)
assert(about.is_link and about.mode == "Lrwxrwxrwx")
refused("No such file or directory", file_info(at("dangling")))
assert(file_info(at("dangling"), false).is_link)

-- rename
assert(rename(at("new.txt"), at("renamed.txt")) == true and not exists(at("new.txt")))
refused("No such file or directory", rename(at("new.txt"), at("x")))
assert(rename(at("deep"), at("depth")) and exists(at("depth/er/c.lua")))

-- walk: a directory before its contents, by name
local seen = {}
for path, entry in walk(at("depth")) do
  seen[#seen + 1] = path:sub(#at("depth") + 2) .. (entry.is_dir and "/" or "")
end
assert(table.concat(seen, " ") == ".hidden b.lua er/ er/c.lua er/folder/", table.concat(seen, " "))
for i = 1, 300 do
  append_file(at("folder/" .. i), "")
end
local count = 0
for _, entry in walk(at("folder")) do
  count = count + 1
  if count == 299 then break end
end
assert(count == 299)
local iterator, names = walk(at("folder")), {}
for _ = 1, 3 do
  go(function()
    for path in iterator do
      assert(not names[path])
      names[path], count = true, count + 1
    end
  end)
end
wait()
assert(count == 599 and iterator() == nil)
fails("bad argument #1 to 'walk' (" .. at("missing") .. ": No such file or directory)", function()
  walk(at("missing"))
end)

-- glob
local function matches(pattern, expected)
  local found = glob(at(pattern))
  for i, path in ipairs(found) do
    found[i] = path:sub(#root + 2)
  end
  assert(table.concat(found, " ") == expected, pattern .. ": " .. table.concat(found, " "))
end
matches("*.txt", "a.txt renamed.txt")
matches("?.txt", "a.txt")
matches("{a,b}.txt", "a.txt")
matches("[!a]*.txt", "renamed.txt")
matches("*/*.lua", "depth/b.lua")
matches("**/*.lua", "depth/b.lua depth/er/c.lua")
matches("depth/**", "depth/.hidden depth/b.lua depth/er depth/er/c.lua depth/er/folder")
matches("a.txt", "a.txt")
matches("missing/*", "")
matches("a.txt/*", "")
matches("nothing", "")
assert(#glob("/*") > 3 and glob("/*")[1]:sub(1, 1) == "/")
fails("bad argument #1 to 'glob' (pattern '[a':", function() glob("[a") end)
fails("bad argument #1 to 'glob' (pattern is not valid UTF-8)", function() glob("\255*") end)

-- remove
refused("Directory not empty", remove(at("depth")))
refused("Directory not empty", remove(at("depth"), false))
assert(remove(at("a.txt")) == true and remove(at("dangling")) == true
  and remove(at("depth/er/folder")) == true)
refused("No such file or directory", remove(at("a.txt")))
refused("No such file or directory", remove(at("missing"), true))
write_file(at("kept.txt"), "kept")
os.execute("ln -s ../kept.txt " .. at("depth/link") .. "; ln -s .. " .. at("depth/up"))
assert(remove(at("depth"), true) == true and not exists(at("depth"))
  and read_file(at("kept.txt")) == "kept")

-- No goroutine blocks: others run while files are read.
local ran = 0
go(function()
  for _ = 1, 20 do
    ran = ran + 1
    sleep(0)
  end
end)
while ran < 20 do
  assert(read_file(at("kept.txt")) == "kept")
end
assert(remove(root, true) and not exists(root))
