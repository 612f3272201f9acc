-- posix: descriptors, patterns, options and groups, as in luaposix 33.4 under lua5.1.
if go then
    package.path = ""
end
local fcntl, unistd = require "posix.fcntl", require "posix.unistd"
local stat, stdio, stdlib = require "posix.sys.stat", require "posix.stdio", require "posix.stdlib"

local function refuses(message, code, ...)
    local first, why, number = ...
    assert(first == nil and why == message and number == code, tostring(why))
end

local template = os.tmpname()
os.remove(template)
local root = assert(stdlib.mkdtemp(template .. "XXXXXX"))
assert(root:match "^(.*)......$" == template and stat.S_ISDIR(stat.stat(root).st_mode) ~= 0)
assert(stat.stat(root).st_mode % 512 == 448)
local path = root .. "/file"

-- Opening: what must exist, what is created, with which permissions.
refuses(path .. ": No such file or directory", 2, fcntl.open(path, fcntl.O_RDONLY))
refuses(path .. ": No such file or directory", 2, fcntl.open(path, fcntl.O_WRONLY + fcntl.O_TRUNC))
local flags = fcntl.O_WRONLY + fcntl.O_CREAT + fcntl.O_EXCL
local descriptor = assert(fcntl.open(path, flags, tonumber("640", 8)))
assert(descriptor > 2 and stat.stat(path).st_mode % 512 == tonumber("640", 8))
refuses(path .. ": File exists", 17, fcntl.open(path, flags))
refuses(root .. ": Is a directory", 21, fcntl.open(root, fcntl.O_WRONLY))
assert(unistd.write(descriptor, "one two three") == 13)
assert(fcntl.fcntl(descriptor, fcntl.F_GETFL) % 4 == fcntl.O_WRONLY)
assert(fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.FD_CLOEXEC) == 0)
assert(fcntl.fcntl(descriptor, fcntl.F_GETFD) == fcntl.FD_CLOEXEC)
assert(unistd.close(descriptor) == 0)
refuses("Bad file descriptor", 9, unistd.close(descriptor))
refuses("Bad file descriptor", 9, unistd.read(descriptor, 1))
refuses("Bad file descriptor", 9, unistd.write(descriptor, "x"))
refuses("fcntl: Bad file descriptor", 9, fcntl.fcntl(descriptor, fcntl.F_GETFD))

-- Reading, seeking, writing in the middle, appending, truncating.
descriptor = assert(fcntl.open(path, fcntl.O_RDWR))
assert(unistd.read(descriptor, 3) == "one")
assert(unistd.lseek(descriptor, 4, unistd.SEEK_SET) == 4 and unistd.read(descriptor, 3) == "two")
assert(unistd.lseek(descriptor, -5, unistd.SEEK_END) == 8)
assert(unistd.write(descriptor, "four!") == 5 and unistd.read(descriptor, 5) == "")
refuses("Invalid argument", 22, unistd.lseek(descriptor, 0, 77))
assert(unistd.close(descriptor) == 0)
descriptor = assert(fcntl.open(path, fcntl.O_WRONLY + fcntl.O_APPEND))
assert(unistd.write(descriptor, "!") == 1 and unistd.close(descriptor) == 0)
assert(io.open(path):read "*a" == "one two four!!")
descriptor = assert(fcntl.open(path, fcntl.O_RDWR + fcntl.O_TRUNC))
assert(stat.stat(path).st_size == 0)
local second = assert(fcntl.open(path, fcntl.O_RDONLY))
assert(second > descriptor and unistd.close(descriptor) == 0)
assert(fcntl.open(path, fcntl.O_RDONLY) == descriptor)
assert(unistd.close(descriptor) == 0 and unistd.close(second) == 0)

-- Files of `io`, and temporary ones.
assert(stdio.fileno(io.stdin) == 0 and stdio.fileno(io.stdout) == 1)
assert(stdio.fileno(io.stderr) == 2)
local file = io.open(path, "w")
descriptor = stdio.fileno(file)
assert(stdio.fileno(file) == descriptor and unistd.write(descriptor, "abc") == 3)
file:close()
refuses("Bad file descriptor", 9, unistd.write(descriptor, "abc"))
if go then
    -- Such a file crashes lua5.1 when it is closed.
    descriptor = assert(fcntl.open(path, fcntl.O_RDONLY))
    file = stdio.fdopen(descriptor, "r")
    assert(io.type(file) == "file" and file:read "*a" == "abc")
    file:close()
end
local made, name = stdlib.mkstemp(root .. "/x.XXXXXX")
assert(made > 2 and name:match "/x%.%w%w%w%w%w%w$" and stat.stat(name).st_mode % 512 == 384)
assert(unistd.close(made) == 0 and os.remove(name))
assert(not pcall(fcntl.open) and not pcall(stdio.fileno, 1))

-- Patterns.
local fnmatch = require "posix.fnmatch"
local PATHNAME, PERIOD, NOESCAPE = fnmatch.FNM_PATHNAME, fnmatch.FNM_PERIOD, fnmatch.FNM_NOESCAPE
for _, case in ipairs {
    { "*.lua", "a.lua", 0, true }, { "*.lua", "a.c", 0, false }, { "a?c", "abc", 0, true },
    { "a?c", "ac", 0, false }, { "*", "", 0, true }, { "", "", 0, true }, { "", "a", 0, false },
    { "[abc]", "b", 0, true }, { "[a-c]x", "dx", 0, false }, { "[!a-c]x", "dx", 0, true },
    { "[]]", "]", 0, true }, { "[!]]", "]", 0, false }, { "[", "[", 0, true },
    { "[a", "[a", 0, true },
    { "[[:digit:]x]", "7", 0, true }, { "[[:digit:]x]", "a", 0, false },
    { "[%a]", "%", 0, true },
    { "[%a]", "b", 0, false }, { "a.b", "axb", 0, false }, { "%a", "b", 0, false },
    { "\\*", "*", 0, true }, { "\\*", "\\*", NOESCAPE, true }, { "\\*", "x", 0, false },
    { "*", "a/b", 0, true }, { "*", "a/b", PATHNAME, false }, { "*/*", "a/b", PATHNAME, true },
    { "a?b", "a/b", PATHNAME, false }, { "*", ".a", 0, true }, { "*", ".a", PERIOD, false },
    { "?a", ".a", PERIOD, false }, { ".*", ".a", PERIOD, true }, { "*/*", "a/.b", PERIOD, true },
    { "*/*", "a/.b", PERIOD + PATHNAME, false }, { "*a*b*c", "xaybzbwc", 0, true },
    { "*a*b*c", "xaybzbwd", 0, false },
} do
    local pattern, text, flag, expected = unpack(case)
    local result = fnmatch.fnmatch(pattern, text, flag)
    assert(result == (expected and 0 or fnmatch.FNM_NOMATCH), pattern .. " " .. text)
end
assert(fnmatch.fnmatch(("*a"):rep(30), ("a"):rep(2000) .. "b") == fnmatch.FNM_NOMATCH)
local glob = require("posix.glob").glob
stat.mkdir(root .. "/b")
io.open(root .. "/b/two.txt", "w"):close()
io.open(root .. "/b/one.txt", "w"):close()
io.open(root .. "/b/.txt", "w"):close()
assert(table.concat(glob(root .. "/*/*.txt"), " ") == root .. "/b/one.txt " .. root .. "/b/two.txt")
assert(table.concat(glob(root .. "/[b]"), " ") == root .. "/b")
assert(glob(root .. "/b")[1] == root .. "/b")
refuses(root .. "/none*: No such file or directory", 2, glob(root .. "/none*"))

-- Options.
local function options(arguments, ...)
    arguments[0] = "program"
    local seen = {}
    for option, argument, index, long in require("posix.getopt").getopt(arguments, ...) do
        local values = { option, tostring(argument), index, tostring(long) }
        seen[#seen + 1] = table.concat(values, ",")
    end
    return table.concat(seen, " ")
end
assert(options({ "-a", "-b", "x", "y" }, "ab:") == "a,nil,2,0 b,x,4,0")
assert(options({ "-ab", "-bx", "-bcy", "y" }, "ab:c") == "a,nil,1,0 b,-bx,3,0 b,cy,4,0")
assert(options({ "-b" }, "b:") == "?,nil,2,0" and options({ "-b" }, ":b:") == ":,nil,2,0")
assert(options({ "--", "-a" }, "a") == "" and options({ "-", "-z" }, "a") == "?,nil,3,0")
assert(options({ "x", "-az", "-a" }, "a") == "a,nil,2,0 ?,nil,3,0 a,nil,4,0")
local long = { { "long", "required", 9 }, { "list", "none", 7 }, { "other", "optional", 8 } }
assert(options({ "--long=3", "--list", "--oth" }, "a", long) == "9,3,2,0 7,nil,3,1 8,nil,4,2")
assert(options({ "--other=1", "--long", "2" }, "a", long) == "8,1,2,2 9,2,4,0")

-- Groups and users.
local grp, pwd = require "posix.grp", require "posix.pwd"
local group = grp.getgrgid(0)
assert(group.gr_name == grp.getgrnam(group.gr_name).gr_name and group.gr_gid == 0)
assert(type(group.gr_mem) == "table" and grp.getgrnam "no such group" == nil)
assert(grp.getgrent().gr_name and pwd.getpwent().pw_name == pwd.getpwuid(0).pw_name)
pwd.endpwent()
grp.endgrent()
assert(type(require("posix.sys.times").times().elapsed) == "number")
assert(require("posix.syslog").LOG_MASK(3) == 8)

-- What SolVM does not have: an error, and the constants that programs combine.
if go then
    local names = { "sys.socket", "sys.msg", "sys.resource", "sys.wait", "syslog", "sched" }
    for _, module in ipairs(names) do
        assert(next(require("posix." .. module)))
    end
    refuses("fork: not supported by SolVM", 38, unistd.fork())
    refuses("fcntl: not supported by SolVM", 38, fcntl.fcntl(0, fcntl.F_SETFL, fcntl.O_NONBLOCK))
    local posix = require "posix"
    assert(posix.open == nil or type(posix.open) == "function")
    assert(posix.O_CREAT == 64 and posix.fnmatch("*", "a") == 0)
end
for _, left in ipairs { "/b/one.txt", "/b/two.txt", "/b/.txt", "/b", "/file", "" } do
    assert(os.remove(root .. left))
end
print "ok"
