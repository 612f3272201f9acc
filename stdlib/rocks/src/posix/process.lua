-- posix: the process, its users, its environment, signals.
local function number_of(index)
    return function()
        local identity, message, code = natives.identity()
        if not identity then
            return nil, message, code
        end
        return identity[index]
    end
end

unistd.getpid = number_of(1)
unistd.getppid = number_of(2)
unistd.getpgrp = number_of(3)
unistd.getuid = number_of(4)
unistd.geteuid = number_of(5)
unistd.getgid = number_of(6)
unistd.getegid = number_of(7)

function unistd.isatty(descriptor)
    if natives.is_terminal(descriptor) then
        return 1
    end
    -- There are no descriptors but those of the standard streams.
    local code = descriptor >= 0 and descriptor <= 2 and 25 or 9
    return nil, "isatty: " .. natives.string_of_error(code), code
end

function unistd.sleep(seconds)
    natives.sleep(math.floor(seconds))
    return 0
end

modules["posix.sys.utsname"] = {
    uname = function()
        return natives.kernel()
    end,
}

local stdlib = { EXIT_SUCCESS = 0, EXIT_FAILURE = 1 }
modules["posix.stdlib"] = stdlib

function stdlib.getenv(name)
    if name == nil then
        return natives.variables()
    end
    return os.getenv(name)
end

function stdlib.setenv(name, value, overwrite)
    if value ~= nil and overwrite == false and os.getenv(name) then
        return 0
    end
    return result(nil, natives.set_variable(name, value))
end

function stdlib.realpath(path)
    return result("realpath", natives.canonical(path))
end

local signal = {
    SIGHUP = 1, SIGINT = 2, SIGQUIT = 3, SIGILL = 4, SIGTRAP = 5, SIGABRT = 6, SIGBUS = 7,
    SIGFPE = 8, SIGKILL = 9, SIGUSR1 = 10, SIGSEGV = 11, SIGUSR2 = 12, SIGPIPE = 13, SIGALRM = 14,
    SIGTERM = 15, SIGCHLD = 17, SIGCONT = 18, SIGSTOP = 19, SIGTSTP = 20, SIGTTIN = 21,
    SIGTTOU = 22, SIGURG = 23, SIGXCPU = 24, SIGXFSZ = 25, SIGVTALRM = 26, SIGPROF = 27,
    SIGSYS = 31,
}
modules["posix.signal"] = signal

function signal.kill(process, number)
    return result(nil, natives.kill(process, number or signal.SIGTERM))
end

function signal.killpg(group, number)
    return signal.kill(-group, number)
end

function signal.raise(number)
    local process, message, code = unistd.getpid()
    if not process then
        return nil, message, code
    end
    return signal.kill(process, number)
end

local errno = {
    EPERM = 1, ENOENT = 2, ESRCH = 3, EINTR = 4, EIO = 5, ENXIO = 6, E2BIG = 7, ENOEXEC = 8,
    EBADF = 9, ECHILD = 10, EAGAIN = 11, ENOMEM = 12, EACCES = 13, EFAULT = 14, EBUSY = 16,
    EEXIST = 17, EXDEV = 18, ENODEV = 19, ENOTDIR = 20, EISDIR = 21, EINVAL = 22, ENFILE = 23,
    EMFILE = 24, ENOTTY = 25, ETXTBSY = 26, EFBIG = 27, ENOSPC = 28, ESPIPE = 29, EROFS = 30,
    EMLINK = 31, EPIPE = 32, EDOM = 33, ERANGE = 34, EDEADLK = 35, ENAMETOOLONG = 36,
    ENOLCK = 37, ENOSYS = 38, ENOTEMPTY = 39, ELOOP = 40,
}
modules["posix.errno"] = errno

-- The message of an error number.
function errno.errno(number)
    return natives.string_of_error(number), number
end

modules["posix.ctype"] = {
    isgraph = function(character)
        return character:find "^[\33-\126]" and 1 or 0
    end,
    isprint = function(character)
        return character:find "^[\32-\126]" and 1 or 0
    end,
}
