-- posix: files. Functions return 0, or nil, a message with the path, and the error number.
local _, natives = ...
local files = natives.lfs
local modules = {}

-- The results of a native, as those of luaposix.
local function result(path, ok, message, code)
    if ok then
        return ok == true and 0 or ok
    end
    return nil, path and path .. ": " .. message or message, code
end

-- Octal numbers, which Lua does not read.
local function octal(digits)
    return tonumber(digits, 8)
end

local KINDS = {
    ["named pipe"] = "010000", ["char device"] = "020000", directory = "040000",
    ["block device"] = "060000", file = "0100000", link = "0120000", socket = "0140000",
}
for name, digits in pairs(KINDS) do
    KINDS[name] = octal(digits)
end

local stat = {
    S_IFMT = octal "0170000", S_IFBLK = KINDS["block device"], S_IFCHR = KINDS["char device"],
    S_IFDIR = KINDS.directory, S_IFIFO = KINDS["named pipe"], S_IFLNK = KINDS.link,
    S_IFREG = KINDS.file, S_IFSOCK = KINDS.socket, S_ISUID = octal "4000", S_ISGID = octal "2000",
    S_IRWXU = octal "0700", S_IRUSR = octal "0400", S_IWUSR = octal "0200", S_IXUSR = octal "0100",
    S_IRWXG = octal "0070", S_IRGRP = octal "0040", S_IWGRP = octal "0020", S_IXGRP = octal "0010",
    S_IRWXO = octal "0007", S_IROTH = octal "0004", S_IWOTH = octal "0002", S_IXOTH = octal "0001",
}
modules["posix.sys.stat"] = stat

-- Tests for the kind of a file: 1 or 0.
local TESTS = {
    S_ISBLK = "block device", S_ISCHR = "char device", S_ISDIR = "directory",
    S_ISFIFO = "named pipe", S_ISLNK = "link", S_ISREG = "file", S_ISSOCK = "socket",
}
for name, kind in pairs(TESTS) do
    stat[name] = function(mode)
        local permissions = mode % octal "10000"
        return mode - permissions == KINDS[kind] and 1 or 0
    end
end

-- The bits of permissions such as "rwxr-sr-t".
local function bits(text)
    local mode = 0
    for i = 1, 9 do
        local letter = text:sub(i, i)
        if letter:find "[rwxst]" then
            mode = mode + 2 ^ (9 - i)
        end
        if letter:find "[sStT]" then
            mode = mode + octal(({ [3] = "4000", [6] = "2000", [9] = "1000" })[i])
        end
    end
    return mode
end

-- The reason in a message of lfs, after the path; and the error number, which denials have not.
local function failed(path, message, code)
    local _, last = message:find("'" .. path .. "': ", 1, true)
    local why = last and message:sub(last + 1)
        or message:gsub("^could not obtain link target: ", "")
    return nil, path .. ": " .. why, code ~= 0 and code or 13
end

local function metadata(read, path)
    local found, message, code = read(path)
    if not found then
        return failed(path, message, code)
    end
    return {
        st_mode = (KINDS[found.mode] or 0) + bits(found.permissions),
        st_dev = found.dev, st_ino = found.ino, st_nlink = found.nlink, st_uid = found.uid,
        st_gid = found.gid, st_rdev = found.rdev, st_size = found.size,
        st_blksize = found.blksize, st_blocks = found.blocks, st_atime = found.access,
        st_mtime = found.modification, st_ctime = found.change,
    }
end

function stat.stat(path)
    return metadata(files.attributes, path)
end

function stat.lstat(path)
    return metadata(files.symlinkattributes, path)
end

function stat.mkdir(path, mode)
    local ok, message, code = result(path, files.mkdir(path))
    if ok and mode then
        return stat.chmod(path, mode)
    end
    return ok, message, code
end

-- The mask for new files, which is replaced.
function stat.umask(mask)
    return result(nil, natives.replace_file_mask(mask))
end

function stat.chmod(path, mode)
    return result(path, natives.change_mode(path, mode))
end

local unistd = {
    STDIN_FILENO = 0, STDOUT_FILENO = 1, STDERR_FILENO = 2,
    F_OK = 0, X_OK = 1, W_OK = 2, R_OK = 4,
}
modules["posix.unistd"] = unistd

function unistd.chdir(path)
    local ok, message = files.chdir(path)
    if ok then
        return 0
    end
    local why = message:match "\n(.*)\n$" or message
    return nil, path .. ": " .. why, why:find "^No such" and 2 or why:find "^Not a" and 20 or 13
end

function unistd.getcwd()
    return files.currentdir()
end

function unistd.rmdir(path)
    return result(path, files.rmdir(path))
end

function unistd.unlink(path)
    return result(path, natives.remove(path))
end

function unistd.link(old, new, symbolic)
    return result(nil, files.link(old, new, symbolic))
end

function unistd.readlink(path)
    local target, message, code = files.symlinkattributes(path, "target")
    if target then
        return target
    end
    if code == 22 then
        return nil, path .. ": not a symbolic link", code
    end
    return failed(path, message, code)
end

-- Whether the process may use a file, by its permissions: a string of the letters f, r, w and x.
function unistd.access(path, mode)
    mode = mode or "f"
    local found, message, code = stat.stat(path)
    if not found then
        return nil, message, code
    end
    if mode == "f" or mode == 0 then
        return 0
    end
    if type(mode) == "number" then
        mode = (mode % 8 >= 4 and "r" or "") .. (mode % 4 >= 2 and "w" or "")
            .. (mode % 2 >= 1 and "x" or "")
    end
    local identity, why, number = natives.identity()
    if not identity then
        return nil, why, number
    end
    local user, group = identity[4], identity[6]
    local permissions = found.st_mode % 512
    local of_user = math.floor(permissions / 64)
    local of_group, of_others = math.floor(permissions / 8) % 8, permissions % 8
    local allowed = user == found.st_uid and of_user or group == found.st_gid and of_group
        or of_others
    if user == 0 then
        local is_executable = of_user % 2 + of_group % 2 + of_others % 2 > 0
        allowed = 6 + ((is_executable or stat.S_ISDIR(found.st_mode) == 1) and 1 or 0)
    end
    for letter, bit in pairs { r = 4, w = 2, x = 1 } do
        if mode:find(letter, 1, true) and allowed % (2 * bit) < bit then
            return nil, path .. ": " .. natives.string_of_error(13), 13
        end
    end
    return 0
end

local dirent = {}
modules["posix.dirent"] = dirent

-- The names in a directory.
function dirent.dir(path)
    path = path or "."
    local ok, iterator, directory = pcall(files.dir, path)
    if not ok then
        local why = tostring(iterator):gsub("^cannot open ", "")
        error("bad argument #1 to 'dir' (" .. why .. ")", 2)
    end
    local names = {}
    for name in iterator, directory do
        names[#names + 1] = name
    end
    return names
end

-- An iterator over the names in a directory.
function dirent.files(path)
    local names, i = dirent.dir(path), 0
    return function()
        i = i + 1
        return names[i]
    end
end

local libgen = {}
modules["posix.libgen"] = libgen

function libgen.basename(path)
    if path == "" then
        return "."
    end
    return path:gsub("(.)/+$", "%1"):match "[^/]+$" or "/"
end

function libgen.dirname(path)
    path = path:gsub("(.)/+$", "%1")
    local parent = path:match "^(.*)/[^/]*$"
    if not parent then
        return "."
    end
    parent = parent:gsub("/+$", "")
    return parent == "" and "/" or parent
end

modules["posix.utime"] = {
    utime = function(path, modified, accessed)
        local now = natives.now()
        return result(path, files.touch(path, accessed or modified or now, modified or now))
    end,
}

modules["posix.stdio"] = {
    rename = function(from, to)
        return result(from, natives.rename(from, to))
    end,
}
