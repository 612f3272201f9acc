-- Calls natives with expensive arguments. The cases follow at the end of this file: `case(number,
-- function, how, { names of values })`.
--
-- Cases may change everything that they can access: this file keeps what it needs in locals, and
-- restores metatables and the collector.
local go, pcall, receive, send, collectgarbage = go, pcall, receive, send, collectgarbage
local unpack, rawget, rawequal = unpack, rawget, rawequal
local setmetatable, tostring = setmetatable, tostring
local getmetatable, setmetatable_of = debug.getmetatable, debug.setmetatable
local lfs = require("lfs")
local chdir, home = lfs.chdir, lfs.currentdir()
local sockets, unix_sockets = require("socket"), require("socket.unix")
local ssl_core, ssl_context = require("ssl.core"), require("ssl.context")
local certificates = require("ssl.x509")
local progress_output, clock, exit = io.stderr, os.clock, os.exit
local write = progress_output.write

-- A server, for natives that need one; it also pauses the default time limit, so that the run limit
-- ends cases that compute.
create_server("server", 0, { host = "127.0.0.1" })
handle_http("server", "/", function() return "x" end)
handle_ws("server", "/ws", function(ws) ws:receive() end)
local address = "127.0.0.1:" .. start_server("server")
set_interval(function() end, 3600)
on_error(function() end)
write_file("file", "x")

local MEGABYTE = 2 ^ 20
local LARGE = 1e5
-- The last entry of a table, with holes or without.
local LAST = 1e5 - 3

local function random_bytes()
    local seed, bytes = 42, {}
    for i = 1, 4096 do
        seed = (seed * 16807) % 2147483647
        bytes[i] = string.char(seed % 256)
    end
    return table.concat(bytes):rep(MEGABYTE / 4096)
end

-- Values that no case changes.
local constants = {
    empty = "",
    byte = "x",
    blanks = (" "):rep(MEGABYTE),
    digits = ("7"):rep(MEGABYTE),
    letters = ("a"):rep(MEGABYTE),
    random = random_bytes(),
    long_name = ("\255"):rep(2 ^ 16 + 1),
    path = "file",
    directory = ".",
    url = "http://127.0.0.1:1/",
    host = "127.0.0.1",
    server = "server",
    pattern = "/x",
    format = "%s",
    schedule = "@hourly",
    json = "[1]",
    zero = 0,
    one = 1,
    base = 36,
    minus_one = -1,
    half = 0.5,
    two_31 = 2 ^ 31,
    two_53 = 2 ^ 53,
    minus_two_53 = -2 ^ 53,
    billion = 1e9,
    huge_finite = 1e300,
    infinity = math.huge,
    nan = 0 / 0,
    level = 5e4,
    level_bottom = 99980,
    yes = true,
    no = false,
    nothing = function() end,
    raises = function() error("no", 0) end,
}

-- Values that cases may change: each is created when it is needed, and again if it was changed.
local function filled(n, step)
    local t = {}
    for i = 1, n, step do t[i] = i end
    t[LAST] = LAST
    return t
end
local makers = {
    none = function() return {} end,
    single = function() return { "x" } end,
    fields = function() return { x = "x" } end,
    many = function() return filled(LARGE, 1) end,
    holes = function() return filled(LARGE, 3) end,
    coroutine = function() return coroutine.create(function() coroutine.yield() end) end,
}
local lasting = { many = true, holes = true }
local kept = {}

local function is_as_it_was(t)
    return not getmetatable(t) and rawget(t, 1) == 1 and rawget(t, LAST) == LAST
        and rawget(t, LARGE + 1) == nil
end

local CERTIFICATE = [[
-----BEGIN CERTIFICATE-----
MIIByDCCAW+gAwIBAgIUeSe0wOJ9jsXYLpOP4/Kv5pYt1hkwCgYIKoZIzj0EAwIw
HzEdMBsGA1UEAwwUU29sVk0gdGVzdCBhdXRob3JpdHkwIBcNMjYxMTI2MDIwNjU0
WhgPMjEyNjExMDIwMjA2NTRaMBQxEjAQBgNVBAMMCWxvY2FsaG9zdDBZMBMGByqG
SM49AgEGCCqGSM49AwEHA0IABA+OvRzlK5NgnRaOsio01RQLbHu9O1Kg9VyVTNFD
VTwDdrx7PSxm4UiUzjCpsuHD6G2kaIHWIsU54Uy+PdTeIrCjgZEwgY4wLAYDVR0R
BCUwI4IJbG9jYWxob3N0hwR/AAABhxAAAAAAAAAAAAAAAAAAAAABMBMGA1UdJQQM
MAoGCCsGAQUFBwMBMAkGA1UdEwQCMAAwHQYDVR0OBBYEFP3flNVq52jQymPwdZNw
mSkECAjEMB8GA1UdIwQYMBaAFHWX0vFMX5QC1AuN/tCkFeWaitgnMAoGCCqGSM49
BAMCA0cAMEQCIFzZwuJ6jhnbJGA9cT0HDAQ6/4yAYtE2rSPbfwnH+4dbAiAp2dyv
/+o5srdNvtahpnOF3T2LW4TIplSYbkfLXtlbaw==
-----END CERTIFICATE-----
]]

-- Objects of every type, and the functions that natives return.
local objects = {
    File = function() return io.open("file", "r+") end,
    Listener = function() return tcp_listen(0, { host = "127.0.0.1" }) end,
    Connection = function()
        local listener = tcp_listen(0, { host = "127.0.0.1" })
        return tcp_connect("127.0.0.1", listener.port)
    end,
    UdpSocket = function() return udp_recvfrom(0, { host = "127.0.0.1" }) end,
    Channel = function() return channel.make(10) end,
    ProgressBar = function() return progress(10) end,
    Template = function() return template.parse("{{range .}}{{.}}{{end}}") end,
    Trusted = function() return template.html("x") end,
    Null = function() return json.null end,
    Pattern = function()
        local lpeg = require("lpeg")
        return lpeg.Ct((lpeg.C(lpeg.R("az") ^ 1) + lpeg.P("0") * "1" / "%0" + 1) ^ 0)
    end,
    Proxy = function() return newproxy(true) end,
    TcpMaster = function() return sockets.tcp4() end,
    TcpServer = function()
        local server = sockets.bind("127.0.0.1", 0)
        server:settimeout(0)
        return server
    end,
    TcpClient = function()
        local server = sockets.bind("127.0.0.1", 0)
        local _, port = server:getsockname()
        local client = sockets.connect("127.0.0.1", port)
        client:settimeout(0)
        return client
    end,
    UdpUnconnected = function()
        local udp = sockets.udp()
        udp:setsockname("127.0.0.1", 0)
        udp:settimeout(0)
        return udp
    end,
    UdpConnected = function()
        local udp = sockets.udp()
        udp:setpeername("127.0.0.1", 9)
        udp:settimeout(0)
        return udp
    end,
    UnixStream = function() return unix_sockets.stream() end,
    UnixDatagram = function()
        local datagrams = unix_sockets.dgram()
        datagrams:settimeout(0)
        return datagrams
    end,
    TlsContext = function()
        local context = ssl_context.create("any")
        ssl_context.setmode(context, "client")
        return context
    end,
    TlsConnection = function()
        local context = ssl_context.create("any")
        ssl_context.setmode(context, "client")
        local connection = ssl_core.create(context)
        connection:settimeout(0)
        return connection
    end,
    Certificate = function() return certificates.load(CERTIFICATE) end,
    try = function() return sockets.newtry() end,
    protected = function() return sockets.protect(function() end) end,
    Headers = function() return http_get("http://" .. address .. "/").headers end,
    WebSocket = function() return ws_connect("ws://" .. address .. "/ws") end,
    Directory = function()
        local _, directory = lfs.dir(".")
        return directory
    end,
    Lock = function()
        lfs.mkdir("locked")
        local lock = lfs.lock_dir("locked")
        if lock then constants.lock = lock end
        return constants.lock
    end,
    Map = function() return tablex.map_new({ x = 1 }) end,
    WorkerCall = function() return require("worker").spawn(function() end) end,
    Set = function() return tablex.set_new({ 1 }) end,
    gmatch = function() return ("a"):rep(MEGABYTE):gmatch("b") end,
    lines = function() return io.lines("file") end,
    walk = function() return walk(".") end,
    wrap = function() return coroutine.wrap(function() while true do coroutine.yield() end end) end,
    codes = function() return (utf8.codes("x")) end,
    codes_lax = function() return (utf8.codes("x", true)) end,
    ipairs = function() return (ipairs({})) end,
    dir = function() return (lfs.dir(".")) end,
    loader_preload = function() return package.loaders[1] end,
    loader_lua = function() return package.loaders[2] end,
    loader_c = function() return package.loaders[3] end,
    loader_c_root = function() return package.loaders[4] end,
    checksum = function() return require("zlib").crc32() end,
    deflate = function() return require("zlib").deflate() end,
    inflate = function() return require("zlib").inflate() end,
    string = function() return "x" end,
}

-- The callable parts of an object: itself, its metamethods and its methods.
local function member(object, name)
    if name == "()" then return object end
    local metatable = getmetatable(object)
    local found = rawget(metatable, name)
    if found == nil then
        local index = rawget(metatable, "__index")
        if type(index) == "table" then found = index[name] end
    end
    if found == nil then found = object[name] end
    return found
end

-- A method is called on the object that it is bound to.
local function method(name)
    return function(object, ...) return member(object, name)(object, ...) end
end

local function inventory()
    for name, make in pairs(objects) do
        local object = make()
        print(name, object == nil and "nil" or "-")
        if type(object) == "function" then
            print(name, "()")
        else
            local metatable = getmetatable(object)
            for key, value in pairs(metatable or {}) do
                if type(value) == "function" then print(name, key) end
                if key == "__index" and type(value) == "table" then
                    for method, f in pairs(value) do
                        if type(f) == "function" then print(name, method) end
                    end
                end
            end
        end
    end
    io.stdout:flush()
    exit(0)
end

local function value_of(name, index)
    if name == "nil" then return nil end
    if name == "varied" then return home .. "/x" .. index end
    if name == "counted" then return index end
    local constant = constants[name]
    if constant ~= nil then return constant end
    local field, of = name:match("^(.-)=(.*)$")
    if field then return { [field] = value_of(of, index) } end
    if lasting[name] then
        local t = kept[name]
        if not t or not is_as_it_was(t) then
            t = makers[name]()
            kept[name] = t
        end
        return t
    end
    return (makers[name] or objects[name])()
end

-- The minimum number of calls of a case, to exclude chance.
local REPETITIONS = 3
local COUNT = 20000
local SECONDS = SECONDS or 0.12
local DEPTH = 100000

local ways = {}

local function values_of(names, index)
    local values = {}
    for i = 1, #names do values[i] = value_of(names[i], index) end
    return values
end

function ways.flat(f, names)
    for i = 1, REPETITIONS do
        pcall(f, unpack(values_of(names, i), 1, #names))
    end
end

-- Many times on the same objects, keeping the results.
function ways.often(f, names)
    local values, results, began = values_of(names, 0), {}, clock()
    for i = 1, COUNT do
        for j = 1, #names do
            if names[j] == "varied" or names[j] == "counted" then
                values[j] = value_of(names[j], i)
            end
        end
        local _, result = pcall(f, unpack(values, 1, #names))
        results[i] = result or false
        if i % 16 == 0 and clock() - began > SECONDS then break end
    end
    write(progress_output, "called ", #results, "\n")
end

local done = channel.make(1)
local strings = getmetatable("")
local sethook = debug.sethook

-- Cases run in sequence in one goroutine, until one does not return in time: then it keeps the
-- goroutine, and the next case gets a new one.
local function work(jobs)
    while true do
        local job = receive(jobs)
        pcall(job.way, job.f, job.names)
        sethook()
        send(done, job.number)
    end
end

-- Far from the bottom of the stack. Getting there takes longer than most cases.
local function work_below(n, jobs)
    if n > 0 then
        local result = work_below(n - 1, jobs)
        return result
    end
    work(jobs)
end

local depths = { flat = 0, often = 0, deep = DEPTH }
ways.deep = ways.flat
local workers = {}

-- Undoes the changes of a case.
local function restore()
    collectgarbage("restart")
    for _, value in pairs({ 0, true, constants.nothing }) do setmetatable_of(value, nil) end
    setmetatable_of(nil, nil)
    setmetatable_of("", strings)
    chdir(home)
end

local function case(number, f, how, names, patience)
    write(progress_output, "case ", number, "\n")
    local depth = depths[how]
    local jobs = workers[depth]
    if not jobs then
        jobs = channel.make(1)
        workers[depth] = jobs
        go(work_below, depth, jobs)
    end
    send(jobs, { way = ways[how], f = f, names = names, number = number })
    local which
    repeat
        which = receive(done, patience or 2)
    until which == nil or which == number
    if which == nil then workers[depth] = nil end
    restore()
end

-- A name that is too long must be rejected first.
local function refused(number, f, names)
    local message = "nothing came back"
    go(function()
        local values = values_of(names, 1)
        local _, result = pcall(f, unpack(values, 1, #names))
        message = tostring(result)
        send(done, number)
    end)
    repeat
        local which = receive(done, 2)
    until which == nil or which == number
    if not message:find("is too long (at most ", 1, true) then
        write(progress_output, "accepted ", number, "\n", message:sub(1, 100), "\n")
    end
end

local function finished()
    write(progress_output, "finished\n")
    exit(0)
end

