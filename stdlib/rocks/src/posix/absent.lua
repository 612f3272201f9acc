-- posix: what SolVM does not have. The modules exist, with the constants that programs combine;
-- their functions return nil, a message and the number of the error ENOSYS.
local ABSENT = {
    ["posix.poll"] = "poll rpoll",
    ["posix.sched"] = "sched_setscheduler",
    ["posix.signal"] = "signal",
    ["posix.stdlib"] = "abort grantpt openpt ptsname unlockpt",
    ["posix.sys.msg"] = "msgget msgrcv msgsnd",
    ["posix.sys.resource"] = "getrlimit setrlimit",
    ["posix.sys.socket"] = "accept bind connect getaddrinfo getsockname listen recv recvfrom send "
        .. "sendto setsockopt shutdown socket socketpair",
    ["posix.sys.stat"] = "mkfifo",
    ["posix.sys.statvfs"] = "statvfs",
    ["posix.syslog"] = "closelog openlog setlogmask syslog",
    ["posix.termio"] = "tcdrain tcflow tcflush tcgetattr tcsendbreak tcsetattr",
    ["posix.time"] = "clock_getres strptime",
    ["posix.unistd"] = "alarm chown crypt dup dup2 exec execp fdatasync fork fsync getgroups "
        .. "gethostid nice pathconf pipe setpid sync sysconf tcgetpgrp tcsetpgrp ttyname",
}

local CONSTANTS = {
    ["posix.errno"] = {
        EWOULDBLOCK = 11, ENOMSG = 42, EIDRM = 43, EPROTO = 71, EBADMSG = 74, EOVERFLOW = 75,
        EILSEQ = 84, ENOTSOCK = 88, EDESTADDRREQ = 89, EMSGSIZE = 90, EPROTOTYPE = 91,
        ENOPROTOOPT = 92, EPROTONOSUPPORT = 93, ENOTSUP = 95, EOPNOTSUPP = 95, EAFNOSUPPORT = 97,
        EADDRINUSE = 98, EADDRNOTAVAIL = 99, ENETDOWN = 100, ENETUNREACH = 101, ENETRESET = 102,
        ECONNABORTED = 103, ECONNRESET = 104, ENOBUFS = 105, EISCONN = 106, ENOTCONN = 107,
        ETIMEDOUT = 110, ECONNREFUSED = 111, EHOSTUNREACH = 113, EALREADY = 114, EINPROGRESS = 115,
        ECANCELED = 125,
    },
    ["posix.sched"] = { SCHED_OTHER = 0, SCHED_FIFO = 1, SCHED_RR = 2 },
    ["posix.signal"] = {
        SA_NOCLDSTOP = 1, SA_NOCLDWAIT = 2, SA_NODEFER = 2 ^ 30, SA_RESETHAND = 2 ^ 31,
        SIG_DFL = "SIG_DFL", SIG_IGN = "SIG_IGN",
    },
    ["posix.sys.msg"] = {
        IPC_PRIVATE = 0, IPC_CREAT = 512, IPC_EXCL = 1024, IPC_NOWAIT = 2048, MSG_NOERROR = 4096,
        MSG_EXCEPT = 8192,
    },
    ["posix.sys.resource"] = {
        RLIMIT_CPU = 0, RLIMIT_FSIZE = 1, RLIMIT_DATA = 2, RLIMIT_STACK = 3, RLIMIT_CORE = 4,
        RLIMIT_NOFILE = 7, RLIMIT_AS = 9, RLIM_INFINITY = -1, RLIM_SAVED_CUR = -1,
        RLIM_SAVED_MAX = -1,
    },
    ["posix.sys.socket"] = {
        AF_UNSPEC = 0, AF_UNIX = 1, AF_INET = 2, AF_INET6 = 10, AF_NETLINK = 16, SOCK_STREAM = 1,
        SOCK_DGRAM = 2, SOCK_RAW = 3, IPPROTO_IP = 0, IPPROTO_ICMP = 1, IPPROTO_TCP = 6,
        IPPROTO_UDP = 17, IPPROTO_IPV6 = 41, SHUT_RD = 0, SHUT_WR = 1, SHUT_RDWR = 2,
        SOL_SOCKET = 1, SO_REUSEADDR = 2, SO_ERROR = 4, SO_BROADCAST = 6, SO_SNDBUF = 7,
        SO_RCVBUF = 8, SO_KEEPALIVE = 9, SO_LINGER = 13, SO_RCVTIMEO = 20, SO_SNDTIMEO = 21,
        TCP_NODELAY = 1, SOMAXCONN = 4096, AI_PASSIVE = 1, AI_CANONNAME = 2, AI_NUMERICHOST = 4,
    },
    ["posix.sys.statvfs"] = { ST_RDONLY = 1, ST_NOSUID = 2 },
    ["posix.sys.wait"] = { WNOHANG = 1, WUNTRACED = 2 },
    ["posix.syslog"] = {
        LOG_EMERG = 0, LOG_ALERT = 1, LOG_CRIT = 2, LOG_ERR = 3, LOG_WARNING = 4, LOG_NOTICE = 5,
        LOG_INFO = 6, LOG_DEBUG = 7, LOG_KERN = 0, LOG_USER = 8, LOG_MAIL = 16, LOG_DAEMON = 24,
        LOG_AUTH = 32, LOG_SYSLOG = 40, LOG_LPR = 48, LOG_NEWS = 56, LOG_UUCP = 64, LOG_CRON = 72,
        LOG_AUTHPRIV = 80, LOG_FTP = 88, LOG_LOCAL0 = 128, LOG_LOCAL1 = 136, LOG_LOCAL2 = 144,
        LOG_LOCAL3 = 152, LOG_LOCAL4 = 160, LOG_LOCAL5 = 168, LOG_LOCAL6 = 176, LOG_LOCAL7 = 184,
        LOG_PID = 1, LOG_CONS = 2, LOG_NDELAY = 8,
    },
    ["posix.termio"] = {
        TCSANOW = 0, TCSADRAIN = 1, TCSAFLUSH = 2, ISIG = 1, ICANON = 2, ECHO = 8, ECHOE = 16,
        ECHONL = 64, ICRNL = 256, IXON = 1024, OPOST = 1, VTIME = 5, VMIN = 6,
    },
    ["posix.time"] = { CLOCK_THREAD_CPUTIME_ID = 3 },
    ["posix.unistd"] = {
        _PC_LINK_MAX = 0, _PC_MAX_CANON = 1, _PC_MAX_INPUT = 2, _PC_NAME_MAX = 3, _PC_PATH_MAX = 4,
        _PC_PIPE_BUF = 5, _PC_CHOWN_RESTRICTED = 6, _PC_NO_TRUNC = 7, _PC_VDISABLE = 8,
        _SC_ARG_MAX = 0, _SC_CHILD_MAX = 1, _SC_CLK_TCK = 2, _SC_NGROUPS_MAX = 3, _SC_OPEN_MAX = 4,
        _SC_STREAM_MAX = 5, _SC_TZNAME_MAX = 6, _SC_JOB_CONTROL = 7, _SC_SAVED_IDS = 8,
        _SC_VERSION = 29,
    },
}

for name, constants in pairs(CONSTANTS) do
    modules[name] = modules[name] or {}
    for key, value in pairs(constants) do
        modules[name][key] = value
    end
end
for name, functions in pairs(ABSENT) do
    modules[name] = modules[name] or {}
    for key in functions:gmatch "%S+" do
        modules[name][key] = missing(key)
    end
end

-- A program has no processes of its own to wait for.
modules["posix.sys.wait"].wait = function()
    return fails(10)
end

modules["posix.syslog"].LOG_MASK = function(priority)
    return 2 ^ priority
end

-- Times are in hundredths of a second.
modules["posix.sys.times"] = {
    times = function()
        local seconds, nanoseconds = natives.monotonic()
        return {
            elapsed = math.floor(seconds * 100 + nanoseconds / 1e7),
            tms_utime = math.floor(os.clock() * 100), tms_stime = 0, tms_cutime = 0, tms_cstime = 0,
        }
    end,
}

function unistd.getlogin()
    local number, message, code = unistd.getuid()
    local user = number and modules["posix.pwd"].getpwuid(number)
    if not user then
        return nil, message, code
    end
    return user.pw_name
end

function unistd._exit(code)
    os.exit(code)
end
