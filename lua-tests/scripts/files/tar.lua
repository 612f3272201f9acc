-- tar: archives that system tar reads, archives of system tar, and hostile ones.
local function refused(text, ...)
  local result, message = ...
  assert(result == nil and tostring(message):find(text, 1, true), tostring(message))
end
local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and tostring(message):find(text, 1, true), tostring(message))
end
local function shell(command)
  local pipe = io.popen(command .. " 2>&1")
  local text = pipe:read("*a")
  pipe:close()
  return (text:gsub("%s+$", ""))
end
local root = os.tmpname()
os.remove(root)
assert(mkdir(root))
local function at(name) return root .. "/" .. name end

-- Packed entries: files, directories, modes, links, long names.
assert(mkdir(at("source/sub/empty"), true))
write_file(at("source/a.txt"), "Hello, World!\n")
write_file(at("source/sub/script"), "#!/bin/sh\n")
local large = ("0123456789\0"):rep(100000)
write_file(at("source/sub/large"), large)
local long = ("long"):rep(40)
write_file(at("source/sub/" .. long), "long")
write_file(at("source/empty"), "")
shell("chmod 755 " .. at("source/sub/script") .. "; chmod 600 " .. at("source/a.txt")
  .. "; ln -s sub/script " .. at("source/link")
  .. "; touch -d '2001-02-03 04:05:06' " .. at("source/a.txt")
  .. "; chmod 750 " .. at("source/sub/empty"))

local expected = {
  "a.txt", "empty", "link", "sub", "sub/empty", "sub/large", "sub/" .. long, "sub/script",
}
for _, name in ipairs { "plain.tar", "packed.tar.gz", "packed.tgz" } do
  local archive = at(name)
  assert(tar.create(archive, at("source")) == true)
  -- System tar reads it.
  assert(shell("tar tf " .. archive .. " | sed 's:/$::'") == table.concat(expected, "\n"),
    shell("tar tf " .. archive))
  assert(shell("mkdir " .. at("theirs") .. "; tar xpf " .. archive .. " -C " .. at("theirs")
    .. "; diff -r " .. at("source") .. " " .. at("theirs")
    .. " && stat -c %a " .. at("theirs/sub/script") .. " " .. at("theirs/a.txt") .. " "
    .. at("theirs/sub/empty") .. "; readlink " .. at("theirs/link"))
    == "755\n600\n750\nsub/script")
  -- So does SolVM.
  assert(tar.extract(archive, at("ours/new")) == true)
  assert(shell("diff -r " .. at("source") .. " " .. at("ours/new")
    .. " && stat -c '%a %Y' " .. at("ours/new/sub/script") .. " " .. at("ours/new/a.txt") .. " "
    .. at("ours/new/sub/empty") .. " | cut -c1-3 | tr '\\n' ' '; readlink " .. at("ours/new/link"))
    == "755 600 750 sub/script")
  assert(file_info(at("ours/new/a.txt")).mod_time == file_info(at("source/a.txt")).mod_time)
  -- Again, over existing files
  assert(tar.extract(archive, at("ours/new")) == true)
  local entries = tar.list(archive)
  assert(#entries == #expected)
  for i, entry in ipairs(entries) do
    assert(entry.name:gsub("/$", "") == expected[i])
  end
  assert(entries[1].size == 14 and entries[1].type == "file" and entries[1].mode == "-rw-------"
    and not entries[1].is_dir)
  assert(entries[3].type == "symlink" and entries[3].link == "sub/script" and entries[3].is_link)
  assert(entries[4].type == "directory" and entries[4].is_dir and entries[8].permissions == 493)
  assert(entries[1].mod_time == file_info(at("source/a.txt")).mod_time)
  assert(remove(at("ours"), true) and remove(at("theirs"), true))
end
assert(shell("file -b " .. at("packed.tgz")):find("gzip")
  or read_file(at("packed.tgz")):sub(1, 2) == "\31\139")
assert(file_info(at("packed.tar.gz")).size < file_info(at("plain.tar")).size / 10)
assert(tar.create(at("odd.name"), at("source"), true)
  and read_file(at("odd.name")):sub(1, 2) == "\31\139")
assert(tar.create(at("not.tar.gz"), at("source"), false)
  and read_file(at("not.tar.gz")):sub(1, 2) ~= "\31\139")
assert(#tar.list(at("not.tar.gz")) == 8)

-- One file; a list; an archive inside the packed directory
assert(tar.create(at("one.tar"), at("source/a.txt"))
  and shell("tar tf " .. at("one.tar")) == "a.txt")
assert(tar.create(at("list.tar"), { at("source/a.txt"), at("source/sub/empty") }))
assert(shell("tar tf " .. at("list.tar"))
  == (at("source/a.txt") .. "\n" .. at("source/sub/empty/")):gsub("^/", ""):gsub("\n/", "\n"))
for _ = 1, 2 do
  assert(tar.create(at("source/inner.tar"), at("source")))
  assert(#tar.list(at("source/inner.tar")) == 8)
end
remove(at("source/inner.tar"))

-- Archives of others: GNU, POSIX, old, hard links, sparse files
shell("cd " .. at("source") .. "; ln a.txt hard; truncate -s 3M sparse")
for _, format in ipairs {
  "gnu", "posix", "ustar --exclude=long*", "v7 --exclude=long*", "gnu -S", "gnu -z",
} do
  shell("tar cf " .. at("system.tar") .. " --format=" .. format .. " -C " .. at("source") .. " .")
  assert(tar.extract(at("system.tar"), at("ours")), format)
  assert(shell("diff -r --exclude='long*' " .. at("source") .. " " .. at("ours")) == "", format)
  assert(shell("stat -c %h " .. at("ours/hard")) == "2")
  assert(remove(at("ours"), true))
end

-- Failures leave nothing behind.
refused(at("missing.tar") .. ": No such file or directory", tar.list(at("missing.tar")))
refused(at("missing.tar") .. ": No such file or directory",
  tar.extract(at("missing.tar"), at("ours")))
refused(at("missing") .. ": No such file or directory", tar.create(at("x.tar"), at("missing")))
refused("No such file or directory", tar.create(at("missing/x.tar"), at("source")))
assert(not exists(at("x.tar")))
write_file(at("text.tar"), ("no archive "):rep(100))
refused("not a valid tar archive", tar.list(at("text.tar")))
write_file(at("text.tar.gz"), "\31\139 no gzip either")
assert(tar.list(at("text.tar.gz")) == nil)
write_file(at("short.tar"), read_file(at("plain.tar")):sub(1, 200000))
refused("sub/large: unexpected end of archive", tar.extract(at("short.tar"), at("ours")))
assert(not exists(at("ours/sub/large"))
  and shell("find " .. at("ours") .. " -name '.solvm*'") == "")
assert(tar.list(at("short.tar")) == nil)
write_file(at("short.tar.gz"), read_file(at("packed.tar.gz")):sub(1, -20))
assert(tar.extract(at("short.tar.gz"), at("ours")) == nil)
remove(at("ours"), true)
shell("mkfifo " .. at("source/pipe"))
refused(at("source/pipe") .. ": not a regular file or directory",
  tar.create(at("x.tar"), at("source")))
refused("path must not contain '..'", tar.create(at("x.tar"), { "../" }))
fails("bad argument #2 to 'create' (string or table expected, got nil)", function()
  tar.create(at("x.tar"), nil)
end)
fails("bad argument #2 to 'create' (string expected at index 2 of the list, got table)", function()
  tar.create(at("x.tar"), { "a", {} })
end)
fails("bad argument #3 to 'extract' (unknown option 'size' (expected one of max_size, progress))",
  function()
  tar.extract(at("plain.tar"), at("ours"), { size = 1 })
end)

-- Hostile archives, each created entry by entry: nothing is written outside.
write_file(at("make.py"), [[
import io, sys, tarfile
out, entries = sys.argv[1], sys.argv[2:]
with tarfile.open(out, 'w') as archive:
    for entry in entries:
        kind, name, content = (entry.split(':', 2) + [''])[:3]
        info = tarfile.TarInfo(name)
        info.type = {
            'file': tarfile.REGTYPE, 'dir': tarfile.DIRTYPE, 'sym': tarfile.SYMTYPE,
            'hard': tarfile.LNKTYPE, 'fifo': tarfile.FIFOTYPE,
        }[kind]
        if kind in ('sym', 'hard'): info.linkname = content
        data = content.encode() if kind == 'file' else b''
        info.size = len(data)
        info.mode = 0o4755
        archive.addfile(info, io.BytesIO(data))
]])
local function make(...)
  local words = {}
  for i, word in ipairs { ... } do
    words[i] = "'" .. word .. "'"
  end
  assert(shell("python3 " .. at("make.py") .. " " .. at("evil.tar") .. " "
    .. table.concat(words, " ")) == "")
end
write_file(at("secret"), "secret")
local outside = "is outside the target directory"
for _, case in ipairs {
  { outside, "file:../evil:x" },
  { outside, "file:a/../../evil:x" },
  { outside, "file:/tmp/evil:x" },
  { outside, "dir:../evil" },
  { outside, "sym:link:../secret" },
  { outside, "sym:link:/etc" },
  { outside, "sym:a/link:../../secret" },
  { outside, "sym:link:a/../../secret" },
  { outside, "hard:link:../secret" },
  { outside, "hard:link:" .. at("secret") },
  { outside, "sym:first:second", "hard:third:first" },
  { "first' exists and is not a directory", "sym:first:.", "file:first/evil:x" },
  { "exists and is not a directory", "dir:real", "sym:a:real", "file:a/evil:x" },
  { "exists and is not a directory", "file:plain:x", "file:plain/evil:x" },
  { "devices and pipes are not extracted", "fifo:pipe" },
  { "is a link without a target", "sym:link:" },
} do
  make(select(2, unpack(case)))
  refused(case[1], tar.extract(at("evil.tar"), at("jail")))
  assert(read_file(at("secret")) == "secret" and not exists(at("evil")) and not exists("/tmp/evil"))
  assert(not exists(at("jail/real/evil")) and not exists(at("jail/evil")))
  remove(at("jail"), true)
end
-- Existing files: a link is replaced, not written through; one in a parent directory is rejected;
-- no setuid.
mkdir(at("jail"))
shell("ln -s " .. at("secret") .. " " .. at("jail/file") .. "; ln -s " .. root .. " "
  .. at("jail/up"))
make("file:file:new")
assert(tar.extract(at("evil.tar"), at("jail")) and read_file(at("secret")) == "secret"
  and read_file(at("jail/file")) == "new")
assert(shell("stat -c %a " .. at("jail/file")) == "755")
make("file:up/evil:x")
refused("up' exists and is not a directory", tar.extract(at("evil.tar"), at("jail")))
assert(not exists(at("evil")))
-- A hard link and then a file of that name: the other link keeps its contents.
make("file:one:1", "hard:two:one", "file:two:2")
assert(tar.extract(at("evil.tar"), at("jail")) and read_file(at("jail/one")) == "1"
  and read_file(at("jail/two")) == "2")
-- Links that stay inside are created; the directory may be reached by a link.
shell("mkdir " .. at("real") .. "; ln -s real " .. at("alias"))
make("dir:a", "file:b/c:x", "sym:a/link:../b/c")
assert(tar.extract(at("evil.tar"), at("alias")) and read_file(at("real/a/link")) == "x")

-- Bombs: endless contents, names, entries
local zeros = at("zeros")
shell("truncate -s 64M " .. zeros .. "; tar czSf " .. at("sparse.tgz") .. " -C " .. root
  .. " zeros; tar czf " .. at("bomb.tgz") .. " -C " .. root .. " zeros")
for _, name in ipairs { "sparse.tgz", "bomb.tgz" } do
  refused("archive contents exceed 1000000 bytes (option max_size)",
    tar.extract(at(name), at("bombed"), { max_size = 1e6 }))
  assert(#list_dir(at("bombed")) == 0 and tar.list(at(name))[1].size == 64 * 1024 * 1024)
end
write_file(at("names.py"), [[
import gzip, tarfile, sys
info = tarfile.TarInfo('././@LongLink')
info.type, info.size = b'L', 1 << 30
with gzip.open(sys.argv[1], 'wb', 1) as out:
    out.write(info.tobuf(tarfile.GNU_FORMAT))
    for _ in range(64): out.write(b'a' * (1 << 20))
]])
shell("python3 " .. at("names.py") .. " " .. at("names.tgz"))
refused("the names in the archive are too long", tar.list(at("names.tgz")))
refused("the names in the archive are too long", tar.extract(at("names.tgz"), at("bombed")))
assert(remove(root, true))
