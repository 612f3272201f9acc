-- posix: file descriptors. They are numbers for the files of `io`, which no child process inherits;
-- `shared` has the tables that all modules use.
local shared = natives.shared
-- A program may start without `io`.
local io = io or {}
shared.files = shared.files or { [0] = io.stdin, io.stdout, io.stderr }
shared.numbers = shared.numbers or setmetatable({}, { __mode = "k" })
shared.flags = shared.flags or { [0] = 0, 1, 1 }

local fcntl = {
    O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_CREAT = 64, O_EXCL = 128, O_NOCTTY = 256,
    O_TRUNC = 512, O_APPEND = 1024, O_NONBLOCK = 2048, O_DSYNC = 4096, O_SYNC = 1052672,
    O_RSYNC = 1052672, O_CLOEXEC = 524288, FD_CLOEXEC = 1, F_DUPFD = 0, F_GETFD = 1, F_SETFD = 2,
    F_GETFL = 3, F_SETFL = 4, F_GETLK = 5, F_SETLK = 6, F_SETLKW = 7, F_SETOWN = 8, F_GETOWN = 9,
    F_RDLCK = 0, F_WRLCK = 1, F_UNLCK = 2, POSIX_FADV_NORMAL = 0, POSIX_FADV_RANDOM = 1,
    POSIX_FADV_SEQUENTIAL = 2, POSIX_FADV_WILLNEED = 3, POSIX_FADV_DONTNEED = 4,
    POSIX_FADV_NOREUSE = 5,
}
modules["posix.fcntl"] = fcntl

-- The results of a failure by its number.
local function fails(code, what)
    local why = natives.string_of_error(code)
    return nil, what and what .. ": " .. why or why, code
end
local EBADF, EEXIST, EINVAL, EISDIR, ENOSYS = 9, 17, 22, 21, 38

-- A function that does not exist here.
local function missing(name)
    return function()
        return nil, name .. ": not supported by SolVM", ENOSYS
    end
end

local function string_argument(value, index, name)
    if type(value) ~= "string" and type(value) ~= "number" then
        local got = value == nil and "no value" or type(value)
        error(("bad argument #%d to '%s' (string expected, got %s)"):format(index, name, got), 3)
    end
    return tostring(value)
end

-- The file of a descriptor; nil if there is none that is open.
local function file_of(descriptor)
    local file = shared.files[descriptor]
    if file and io.type(file) == "closed file" then
        shared.files[descriptor] = nil
        return nil
    end
    return file
end

-- The number of a file, the lowest one that is free if it has none.
local function number_of_file(file, flags)
    local number = shared.numbers[file]
    if number and shared.files[number] == file then
        return number
    end
    number = 0
    while file_of(number) do
        number = number + 1
    end
    shared.files[number], shared.numbers[file], shared.flags[number] = file, number, flags
    return number
end

local function has(flags, flag)
    return flags % (2 * flag) >= flag
end

-- Bits that are set in both.
local function common_bits(a, b)
    local bits = 0
    for position = 0, 11 do
        if has(a, 2 ^ position) and has(b, 2 ^ position) then
            bits = bits + 2 ^ position
        end
    end
    return bits
end

-- Creates an empty file with the permissions that a mode and the mask of the process allow.
local function create(path, mode)
    local file, message, code = io.open(path, "ab")
    if not file then
        return nil, message, code
    end
    file:close()
    local found = mode and stat.stat(path)
    if found then
        -- The mask has been applied to reading and writing; it is the same for executing.
        local allowed = found.st_mode % octal "1000"
        for _, class in ipairs { 64, 8, 1 } do
            allowed = allowed + (has(allowed, 4 * class) and class or 0)
        end
        return stat.chmod(path, common_bits(mode, allowed + octal "7000"))
    end
    return 0
end

-- Creates a file that does not exist: a link to a new file fails if the name is taken.
local function create_exclusively(path, mode)
    local name = ("%s.%x%x"):format(path, math.random(0, 2 ^ 31), math.random(0, 2 ^ 31))
    local ok, message, code = create(name, mode)
    if ok then
        ok, message, code = result(path, files.link(name, path))
        natives.remove(name)
        if not ok and code == EEXIST then
            return fails(EEXIST, path)
        end
    end
    return ok, message, code
end

function fcntl.open(path, flags, mode)
    path = string_argument(path, 1, "open")
    flags = flags or 0
    local found = stat.stat(path)
    local ok, message, code = 0, nil, nil
    if has(flags, fcntl.O_CREAT) then
        if has(flags, fcntl.O_EXCL) then
            ok, message, code = create_exclusively(path, mode)
        elseif not found then
            ok, message, code = create(path, mode)
        end
    elseif not found then
        -- The mode of a file that is written would create it.
        ok, message, code = stat.stat(path)
    end
    if not ok then
        return nil, message, code
    end
    local access = flags % 4
    if access ~= 0 and found and stat.S_ISDIR(found.st_mode) == 1 then
        return fails(EISDIR, path)
    end
    local open_mode = access == 0 and "rb" or "r+b"
    if access ~= 0 and has(flags, fcntl.O_TRUNC) then
        open_mode = access == 1 and "wb" or "w+b"
    elseif access ~= 0 and has(flags, fcntl.O_APPEND) then
        open_mode = access == 1 and "ab" or "a+b"
    end
    local file
    file, message, code = io.open(path, open_mode)
    if not file then
        return nil, message, code
    end
    file:setvbuf "no"
    -- The flags for opening are not among those of the descriptor.
    return number_of_file(file, access + (has(flags, fcntl.O_APPEND) and fcntl.O_APPEND or 0))
end

function fcntl.fcntl(descriptor, command, value)
    if not file_of(descriptor) then
        return fails(EBADF, "fcntl")
    elseif command == fcntl.F_GETFD then
        return fcntl.FD_CLOEXEC
    elseif command == fcntl.F_GETFL then
        return shared.flags[descriptor]
    elseif command == fcntl.F_SETFD and value == fcntl.FD_CLOEXEC
        or command == fcntl.F_SETFL and value == shared.flags[descriptor] then
        return 0
    end
    return missing "fcntl" ()
end

fcntl.posix_fadvise = missing "posix_fadvise"

unistd.SEEK_SET, unistd.SEEK_CUR, unistd.SEEK_END = 0, 1, 2
local WHENCES = { [0] = "set", "cur", "end" }

function unistd.read(descriptor, count)
    local file = file_of(descriptor)
    if not file then
        return fails(EBADF)
    end
    local text, message, code = file:read(count)
    if not text and message then
        return nil, message, code
    end
    return text or ""
end

function unistd.write(descriptor, text)
    local file = file_of(descriptor)
    if not file then
        return fails(EBADF)
    end
    local ok, message, code = file:write(text)
    if ok then
        ok, message, code = file:flush()
    end
    if not ok then
        return nil, message, code
    end
    return #text
end

function unistd.lseek(descriptor, offset, whence)
    local file = file_of(descriptor)
    if not file then
        return fails(EBADF)
    elseif not WHENCES[whence] then
        return fails(EINVAL)
    end
    return file:seek(WHENCES[whence], offset)
end

function unistd.close(descriptor)
    local file = file_of(descriptor)
    if not file then
        return fails(EBADF)
    end
    shared.files[descriptor], shared.flags[descriptor] = nil, nil
    return result(nil, file:close())
end

local stdio = modules["posix.stdio"]
stdio.BUFSIZ, stdio.EOF, stdio.FILENAME_MAX, stdio.FOPEN_MAX = 8192, -1, 4096, 16
stdio._IOFBF, stdio._IOLBF, stdio._IONBF = 0, 1, 2

function stdio.fileno(file)
    if io.type(file) ~= "file" then
        error("bad argument #1 to 'fileno' (FILE* expected, got " .. type(file) .. ")", 2)
    end
    for number = 0, 2 do
        if shared.files[number] == file then
            return number
        end
    end
    return number_of_file(file, fcntl.O_RDWR)
end

function stdio.fdopen(descriptor)
    local file = file_of(descriptor)
    if not file then
        return fails(EBADF, "fdopen")
    end
    return file
end

function stdio.ctermid()
    return "/dev/tty"
end

-- A name with its last six letters, XXXXXX, replaced, for which `make` has succeeded.
local function unused(template, make)
    local start = template:match "^(.*)XXXXXX$"
    if not start then
        return fails(EINVAL, template)
    end
    for _ = 1, 100 do
        local name = start .. ("."):rep(6):gsub(".", function()
            local letter = math.random(0, 35)
            return string.char(letter < 10 and 48 + letter or 87 + letter)
        end)
        local made, message, code = make(name)
        if made then
            return made, name
        elseif code ~= EEXIST then
            return nil, message, code
        end
    end
    return fails(EEXIST, template)
end

function stdlib.mkdtemp(template)
    local made, name, code = unused(template, function(name)
        return stat.mkdir(name, octal "700")
    end)
    if made then
        return name
    end
    return nil, name, code
end

function stdlib.mkstemp(template)
    return unused(template, function(name)
        local flags = fcntl.O_RDWR + fcntl.O_CREAT + fcntl.O_EXCL
        return fcntl.open(name, flags, octal "600")
    end)
end
