-- lfs: LuaFileSystem's interface. The test also passes with `lua5.1` and LuaFileSystem 1.8.
local lfs = require "lfs"
local is_solvm = type(read_file) == "function"
local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and tostring(message):find(text, 1, true), tostring(message))
end
local function returns(expected, ...)
  local values = { ... }
  for i = 1, math.max(#expected, select("#", ...)) do
    assert(values[i] == expected[i], "result " .. i .. ": " .. tostring(values[i]))
  end
end

assert(lfs._VERSION == "LuaFileSystem 1.8.0" and package.loaded.lfs == lfs)
-- As with the original in Lua 5.1, loading it sets the global.
assert(rawget(_G, "lfs") == lfs)
local root = os.tmpname()
os.remove(root)
local function at(name) return root .. "/" .. name end
local function write(name, text)
  local file = assert(io.open(at(name), "w"))
  file:write(text)
  file:close()
end

-- mkdir, rmdir
returns({ true }, lfs.mkdir(root))
returns({ nil, "File exists", 17 }, lfs.mkdir(root))
returns({ nil, "No such file or directory", 2 }, lfs.mkdir(at("a/b")))
returns({ true }, lfs.mkdir(at("folder")))
write("file.txt", "twelve bytes")
returns({ nil, "Not a directory", 20 }, lfs.rmdir(at("file.txt")))
returns({ nil, "No such file or directory", 2 }, lfs.rmdir(at("missing")))
write("folder/x", "")
returns({ nil, "Directory not empty", 39 }, lfs.rmdir(at("folder")))

-- attributes
local about = lfs.attributes(at("file.txt"))
local names = {}
for name, value in pairs(about) do
  names[#names + 1] = name
  assert(lfs.attributes(at("file.txt"), name) == value, name)
end
table.sort(names)
assert(table.concat(names, " ") ==
  "access blksize blocks change dev gid ino mode modification nlink permissions rdev size uid",
  table.concat(names, " "))
assert(about.mode == "file" and about.size == 12 and about.nlink == 1
  and about.permissions:match("^rw%-"))
assert(math.abs(about.modification - os.time()) < 60 and about.modification % 1 == 0)
assert(lfs.attributes(root, "mode") == "directory"
  and lfs.attributes("/dev/null", "mode") == "char device")
local own = { kept = true }
assert(lfs.attributes(root, own) == own and own.mode == "directory" and own.kept)
returns({
  nil, "cannot obtain information from file '" .. at("missing") .. "': No such file or directory",
  2,
},
  lfs.attributes(at("missing")))
returns({
  nil, "cannot obtain information from file '" .. at("missing") .. "': No such file or directory",
  2,
},
  lfs.attributes(at("missing"), "mode"))
fails("invalid attribute name 'size of it'", lfs.attributes, root, "size of it")
fails("invalid attribute name '3'", lfs.attributes, root, 3)
fails("invalid attribute name 'target'", lfs.attributes, root, "target")

-- link, symlinkattributes
returns({ true }, lfs.link(at("file.txt"), at("hard")))
assert(lfs.attributes(at("hard"), "nlink") == 2 and lfs.attributes(at("hard"), "ino") == about.ino)
returns({ true }, lfs.link("file.txt", at("soft"), true))
assert(lfs.symlinkattributes(at("soft"), "mode") == "link"
  and lfs.attributes(at("soft"), "mode") == "file")
assert(lfs.symlinkattributes(at("soft"), "target") == "file.txt"
  and lfs.symlinkattributes(at("soft")).target == "file.txt")
assert(lfs.symlinkattributes(at("hard")).target == nil
  and lfs.symlinkattributes(at("hard")).size == 12)
returns({ nil, "could not obtain link target: Invalid argument", 22 },
  lfs.symlinkattributes(at("hard"), "target"))
returns({ nil, "No such file or directory", 2 }, lfs.link(at("missing"), at("new")))
returns({ nil, "File exists", 17 }, lfs.link(at("file.txt"), at("hard")))
returns({
  nil, "cannot obtain information from file '" .. at("missing") .. "': No such file or directory",
  2,
},
  lfs.symlinkattributes(at("missing")))

-- dir
local function list(path)
  local found = {}
  for name in lfs.dir(path) do
    found[#found + 1] = name
  end
  table.sort(found)
  return table.concat(found, " ")
end
assert(list(root) == ". .. file.txt folder hard soft", list(root))
for i = 1, 300 do
  write("folder/" .. i, "")
end
local count = 0
for _ in lfs.dir(at("folder")) do
  count = count + 1
end
assert(count == 303)
local iterator, directory = lfs.dir(at("folder"))
assert(type(iterator) == "function" and type(directory) == "userdata")
assert(type(directory:next()) == "string" and type(iterator(directory)) == "string")
directory:close()
fails("bad argument #1 to ", iterator, directory)
fails("closed directory", iterator, directory)
fails("closed directory", directory.next, directory)
iterator, directory = lfs.dir(root)
repeat until not directory:next()
fails("closed directory", directory.next, directory)
fails("cannot open " .. at("missing") .. ": No such file or directory", lfs.dir, at("missing"))
fails("cannot open " .. at("file.txt") .. ": Not a directory", lfs.dir, at("file.txt"))
fails("bad argument #1 to ", directory.next, io.stdout)

-- touch
returns({ true }, lfs.touch(at("file.txt"), 1000000000, 1100000000))
assert(lfs.attributes(at("file.txt"), "access") == 1000000000
  and lfs.attributes(at("file.txt"), "modification") == 1100000000)
returns({ true }, lfs.touch(at("file.txt"), 1200000000))
assert(lfs.attributes(at("file.txt"), "modification") == 1200000000)
returns({ true }, lfs.touch(at("file.txt")))
assert(math.abs(lfs.attributes(at("file.txt"), "modification") - os.time()) < 60)
returns({ true }, lfs.touch(at("folder"), 5))
assert(lfs.attributes(at("folder"), "modification") == 5)
returns({ nil, "No such file or directory", 2 }, lfs.touch(at("missing")))

-- chdir, currentdir
local before = lfs.currentdir()
returns({ true }, lfs.chdir(at("folder")))
assert(lfs.currentdir():sub(-7) == "/folder" and lfs.attributes("x", "mode") == "file")
assert(io.open("x")):close()
returns({ true }, lfs.chdir(".."))
assert(lfs.attributes("file.txt"))
returns({ true }, lfs.chdir(before))
assert(lfs.currentdir() == before)
returns({
  nil,
  "Unable to change working directory to '" .. at("missing") .. "'\nNo such file or directory\n",
},
  lfs.chdir(at("missing")))

-- lock_dir
local lock = assert(lfs.lock_dir(root))
assert(lfs.symlinkattributes(at("lockfile.lfs"), "mode") == "link")
returns({ nil, "File exists" }, lfs.lock_dir(root))
lock:free()
assert(not lfs.symlinkattributes(at("lockfile.lfs")))
lock = assert(lfs.lock_dir(root, 10))
lock = nil
collectgarbage()
collectgarbage()
assert(not lfs.symlinkattributes(at("lockfile.lfs")), "given free by the collector")
returns({ nil, "No such file or directory" }, lfs.lock_dir(at("missing")))

-- setmode; locks on files
local file = assert(io.open(at("file.txt"), "r+"))
returns({ true, "binary" }, lfs.setmode(file, "text"))
returns({ true, "binary" }, lfs.setmode(file, "binary"))
fails("invalid option 'other'", lfs.setmode, file, "other")
fails("FILE* expected, got string", lfs.setmode, "x", "text")
if is_solvm then
  returns({ nil, "locks on files are not supported" }, lfs.lock(file, "w"))
  returns({ nil, "locks on files are not supported" }, lfs.unlock(file))
  assert(import("lfs") == lfs and _G.lfs == lfs)
end
fails("FILE* expected, got number", lfs.lock, 3, "w")
file:close()
os.execute("rm -r " .. root)
