-- posix, as in luaposix 33.4 under lua5.1.
if go then
    package.path = ""
end
local unistd, stat = require "posix.unistd", require "posix.sys.stat"
local stdlib = require "posix.stdlib"
local time, signal, errno = require "posix.time", require "posix.signal", require "posix.errno"

local function refuses(message, code, ...)
    local first, why, number = ...
    assert(first == nil and why == message and number == code, tostring(why))
end

local root = os.tmpname()
os.remove(root)
assert(stat.mkdir(root) == 0)
refuses(root .. ": File exists", 17, stat.mkdir(root))
local path = root .. "/file"
local file = assert(io.open(path, "w"))
file:write "12345"
file:close()

-- posix.sys.stat
local found = stat.stat(path)
assert(found.st_size == 5 and stat.S_ISREG(found.st_mode) ~= 0 and stat.S_ISDIR(found.st_mode) == 0)
assert(stat.S_ISDIR(stat.stat(root).st_mode) ~= 0 and math.abs(found.st_mtime - os.time()) < 60)
for _, digits in ipairs { "600", "644", "755", "111" } do
    assert(stat.chmod(path, tonumber(digits, 8)) == 0)
    assert(stat.stat(path).st_mode == stat.S_IFREG + tonumber(digits, 8))
end
assert(stat.chmod(path, tonumber("644", 8)) == 0)
local mask = stat.umask(tonumber("027", 8))
assert(stat.mkdir(root .. "/masked") == 0 and stat.umask(mask) == tonumber("027", 8))
assert(stat.stat(root .. "/masked").st_mode % 512 == tonumber("750", 8))
assert(unistd.rmdir(root .. "/masked") == 0)
assert(stat.S_IRWXU == 448 and stat.S_IXOTH == 1 and stat.S_IFDIR == 16384)
refuses(root .. "/none: No such file or directory", 2, stat.stat(root .. "/none"))
refuses(root .. "/none: No such file or directory", 2, stat.chmod(root .. "/none", 0))

-- posix.unistd
assert(unistd.access(path) == 0 and unistd.access(path, "r") == 0)
refuses(root .. "/none: No such file or directory", 2, unistd.access(root .. "/none", "r"))
assert(unistd.link(path, root .. "/hard") == 0 and stat.stat(path).st_nlink == 2)
assert(unistd.link("file", root .. "/soft", true) == 0)
assert(unistd.readlink(root .. "/soft") == "file")
assert(stat.S_ISLNK(stat.lstat(root .. "/soft").st_mode) ~= 0)
refuses(path .. ": not a symbolic link", 22, unistd.readlink(path))
local before = unistd.getcwd()
assert(unistd.chdir(root) == 0 and unistd.access "file" == 0 and unistd.chdir(before) == 0)
refuses("/none: No such file or directory", 2, unistd.chdir "/none")
assert(unistd.unlink(root .. "/hard") == 0)
refuses(root .. "/hard: No such file or directory", 2, unistd.unlink(root .. "/hard"))
refuses(root .. ": Directory not empty", 39, unistd.rmdir(root))
local ids = { "getpid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getpgrp" }
for _, name in ipairs(ids) do
    assert(type(unistd[name]()) == "number", name)
end
local shell = io.popen "echo $PPID"
assert(shell:read "*n" == unistd.getpid())
shell:close()
refuses("isatty: Bad file descriptor", 9, unistd.isatty(77))
assert(unistd.sleep(0) == 0)

-- posix.dirent, posix.libgen, posix.stdio, posix.utime
local names = require("posix.dirent").dir(root)
table.sort(names)
assert(table.concat(names, " ") == ". .. file soft")
local count = 0
for _ in require("posix.dirent").files(root) do
    count = count + 1
end
assert(count == 4)
local libgen = require "posix.libgen"
for given, expected in pairs { ["/a/b.c"] = "b.c /a", ["a"] = "a .", ["/"] = "/ /",
    ["a/b/"] = "b a", [""] = ". .", ["/a"] = "a /", ["a//b"] = "b a" } do
    assert(libgen.basename(given) .. " " .. libgen.dirname(given) == expected, given)
end
assert(require("posix.stdio").rename(path, root .. "/other") == 0)
assert(require("posix.utime").utime(root .. "/other", 2000, 1000) == 0)
found = stat.stat(root .. "/other")
assert(found.st_mtime == 2000 and found.st_atime == 1000)

-- posix.stdlib
assert(stdlib.setenv("SOLVM_POSIX", "1") == 0 and stdlib.getenv "SOLVM_POSIX" == "1")
assert(stdlib.getenv().SOLVM_POSIX == "1")
assert(stdlib.setenv("SOLVM_POSIX", nil) == 0 and stdlib.getenv "SOLVM_POSIX" == nil)
assert(stdlib.realpath(root .. "/./other") == stdlib.realpath(root) .. "/other")
refuses("realpath: No such file or directory", 2, stdlib.realpath(root .. "/none"))

-- posix.time
local date = time.gmtime(86400 * 365)
assert(date.tm_year == 71 and date.tm_mon == 0 and date.tm_mday == 1 and date.tm_wday == 5)
assert(date.tm_yday == 0 and date.tm_hour == 0)
assert(time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(951782400)) == "2000-02-29 00:00:00")
local now = time.time()
assert(math.abs(now - os.time()) < 2 and time.mktime(time.localtime(now)) == now)
local clock = time.clock_gettime(time.CLOCK_MONOTONIC)
assert(time.nanosleep { tv_sec = 0, tv_nsec = 20000000 } == 0)
local later = time.clock_gettime(time.CLOCK_MONOTONIC)
local passed = later.tv_sec - clock.tv_sec + (later.tv_nsec - clock.tv_nsec) / 1e9
assert(passed >= 0.02 and passed < 5)
assert(math.abs(require("posix.sys.time").gettimeofday().tv_sec - now) < 5)

-- posix.signal and posix.errno
assert(signal.SIGTERM == 15 and signal.kill(unistd.getpid(), 0) == 0)
refuses("No such process", 3, signal.kill(2 ^ 22 + 7, 0))
local message, number = errno.errno(2)
assert(message == "No such file or directory" and number == 2 and errno.ENOENT == 2)

-- The rest.
local names_of_system = require("posix.sys.utsname").uname()
assert(type(names_of_system.sysname) == "string" and type(names_of_system.machine) == "string")
local ctype = require "posix.ctype"
assert(ctype.isgraph "a" ~= 0 and ctype.isgraph " " == 0 and ctype.isprint " " ~= 0)
assert(require("posix.pwd").getpwuid(0).pw_name == require("posix.pwd").getpwnam("root").pw_name)
local posix = require "posix"
assert(posix.getcwd() == unistd.getcwd() and posix.SIGINT == 2 and posix.basename "a/b" == "b")
for name in pairs { other = 1, soft = 1 } do
    assert(unistd.unlink(root .. "/" .. name) == 0)
end
assert(unistd.rmdir(root) == 0)
print "ok"
