-- Accesses to the outside world, each with the permissions that it needs. Arguments: the directory
-- of the test, the port of a server, the port to listen on. Prints a line for each: its name, and
-- "reached", "denied" or "failed: REASON".
local root, port, listen = ...
local data, out, lfs = root .. "/data", root .. "/out", require("lfs")
local base = "http://127.0.0.1:" .. port
local attempts = {}

-- Options: `silent` where a denial looks like absence; `passes` where a permission leads to a
-- failure of another kind.
local function attempt(name, needs, f, options)
    options = options or {}
    attempts[#attempts + 1] = {
        name = name, needs = needs, f = f, silent = options.silent, passes = options.passes,
    }
end

local function output(command)
    local file, reason = io.popen(command)
    if not file then return nil, reason end
    local text = file:read("*a")
    file:close()
    return text
end

-- Reading.
attempt("io.open", "read", function() return io.open(data .. "/secret.txt") end)
attempt("io.lines", "read", function() return io.lines(data .. "/secret.txt")() end)
attempt("io.input", "read", function() return io.input(data .. "/secret.txt") end)
attempt("read_file", "read", function() return read_file(data .. "/secret.txt") end)
attempt("loadfile", "read", function() return loadfile(data .. "/table.lua") end)
attempt("dofile", "read", function() return dofile(data .. "/table.lua") end)
attempt("exists", "read", function() return exists(data .. "/secret.txt") end, { silent = true })
attempt("file_info", "read", function() return file_info(data .. "/secret.txt") end)
attempt("list_dir", "read", function() return list_dir(data) end)
attempt("glob", "read", function() return #glob(data .. "/*.txt") == 1 end, { silent = true })
attempt("walk", "read", function() return walk(data)() end)
attempt("lfs.attributes", "read", function() return lfs.attributes(data .. "/secret.txt") end)
attempt("lfs.symlinkattributes", "read", function()
    return lfs.symlinkattributes(data .. "/link")
end)
attempt("lfs.dir", "read", function() return lfs.dir(data) end)
attempt("lfs.chdir", "read", function() return lfs.chdir(data) end)
attempt("watch_file", "read", function()
    local id, reason = watch_file(data .. "/secret.txt", print)
    if id then unwatch_file(id) end
    return id, reason
end)
attempt("csv.read", "read", function() return csv.read(data .. "/a.csv") end)
attempt("ini.read", "read", function() return ini.read(data .. "/a.ini") end)
attempt("dotenv.load", "read, env", function() return dotenv.load(data .. "/a.env") end)
attempt("template.parse_file", "read", function() return template.parse_file(data .. "/a.tmpl") end)
attempt("template.parse_files", "read", function()
    return template.parse_files(data .. "/a.tmpl")
end)
attempt("template.parse_glob", "read", function()
    return template.parse_glob(data .. "/*.tmpl")
end, { silent = true })
attempt("tablex.loadfile", "read", function() return tablex.loadfile(data .. "/table.lua") end)
attempt("tar.list", "read", function() return tar.list(data .. "/a.tar") end)
attempt("import a module", "read", function() return import(data .. "/table") end)
attempt("import a directory", "read", function() return import(data .. "/modules/") end)
attempt("package.path", "read", function()
    package.path, package.loaded.secret = data .. "/?.txt", nil
    return package.loaders[2]("secret") and require("secret")
end, { passes = true })
attempt("through a link", "read", function() return read_file(data .. "/link") end)
attempt("through /proc/self/root", "read", function()
    return read_file("/proc/self/root" .. data .. "/secret.txt")
end)
attempt("through ..", "read", function() return read_file(data .. "/modules/../secret.txt") end)
attempt("serve_static", "read", function()
    create_server("static", 0)
    serve_static("static", "/", data)
    return true
end)
attempt("certificates", "read", function()
    create_server("certificates", 0, true, data .. "/secret.txt", data .. "/secret.txt")
end, { passes = true })

-- No permission of this test covers this.
attempt("beyond", "never", function() return read_file(root .. "/other/secret.txt") end)
attempt("beyond, missing", "never", function() return read_file(root .. "/other/missing.txt") end)
attempt("beyond through a link", "never", function() return read_file(data .. "/out-link") end)
attempt("beyond through a directory", "never", function()
    return read_file(data .. "/out-directory/secret.txt")
end)
attempt("beyond through ..", "never", function()
    return read_file(data .. "/../other/secret.txt")
end)
attempt("beyond and back", "never", function()
    return read_file(root .. "/other/inner/../../data/secret.txt")
end)
attempt("above", "never", function() return list_dir(root) end)
attempt("/proc/self/environ", "never", function() return read_file("/proc/self/environ") end)
attempt("/proc/self/mem", "never", function() return io.open("/proc/self/mem", "r+") end)
attempt("write beyond", "never", function() return write_file(root .. "/other/new.txt", "x") end)
attempt("write through a link", "never", function() return write_file(out .. "/out-link", "x") end)
attempt("link to the beyond", "never", function()
    return lfs.link(root .. "/other/secret.txt", out .. "/hard")
end)
attempt("move from beyond", "never", function()
    return rename(root .. "/other/secret.txt", out .. "/moved")
end)
attempt("a name in beyond's way", "never", function()
    return dofile(root .. "/program/secret.txt")
end)
attempt("another host", "never", function()
    return http_get("http://localhost:" .. port + 1 .. "/")
end)
attempt("another port", "never", function() return tcp_connect("127.0.0.1", port + 1) end)
attempt("resolve_dns", "never", function() return resolve_dns("localhost") end)
attempt("another variable", "never", function() return os.getenv("HOME") end, { silent = true })
attempt("another port to listen on", "never", function() return tcp_listen(listen + 1) end)

-- Writing.
attempt("io.open for writing", "write", function() return io.open(out .. "/a", "w") end)
attempt("io.open for appending", "write", function() return io.open(out .. "/b", "a") end)
attempt("io.output", "write", function()
    local before = io.output()
    io.output(out .. "/c")
    io.output(before)
    return true
end)
attempt("write_file", "write", function() return write_file(out .. "/d", "x") end)
attempt("append_file", "write", function() return append_file(out .. "/e", "x") end)
attempt("mkdir", "write", function() return mkdir(out .. "/f") end)
attempt("remove", "write", function() return remove(out .. "/old1") end)
attempt("os.remove", "write", function() return os.remove(out .. "/old2") end)
attempt("lfs.mkdir", "write", function() return lfs.mkdir(out .. "/g") end)
attempt("lfs.touch", "write", function() return lfs.touch(out .. "/old3", 1, 1) end)
attempt("a symbolic link", "write", function() return lfs.link("anywhere", out .. "/h", true) end)
attempt("lfs.lock_dir", "write", function() return lfs.lock_dir(out) end)
attempt("csv.write", "write", function() return csv.write(out .. "/i", { { 1 } }) end)
attempt("ini.write", "write", function() return ini.write(out .. "/j", { a = { b = 1 } }) end)
attempt("os.rename", "read of out, write", function()
    return os.rename(out .. "/old4", out .. "/new4")
end)
attempt("rename", "read of out, write", function()
    return rename(out .. "/old5", out .. "/new5")
end)
attempt("io.open for both", "read of out, write", function() return io.open(out .. "/k", "w+") end)
attempt("a hard link", "read of out, write", function()
    return lfs.link(out .. "/old6", out .. "/l")
end)
attempt("ft.copy", "read, write", function() return ft.copy(data .. "/secret.txt", out .. "/m") end)
attempt("tar.create", "read, write", function()
    return tar.create(out .. "/n.tar", data .. "/secret.txt")
end)

-- The network.
attempt("http_get", "net", function() return http_get(base .. "/") end)
attempt("http_post", "net", function() return http_post(base .. "/", "x") end)
attempt("http_request", "net", function() return http_request("PUT", base .. "/", "x") end)
attempt("tcp_connect", "net", function() return tcp_connect("127.0.0.1", port) end)
attempt("udp_sendto", "net", function() return udp_sendto("127.0.0.1", port, "x") end)
attempt("ws_connect", "net", function()
    return ws_connect("ws://127.0.0.1:" .. port .. "/")
end, { passes = true })
attempt("import from a host", "net or import", function() return import(base .. "/module.lua") end)
attempt("http_get to a file", "net, write", function()
    return http_get(base .. "/", { save_to = out .. "/o" })
end)
attempt("ft.download", "net, write", function()
    return ft.download(base .. "/", out .. "/p", { progress = false })
end)
attempt("ft.upload", "net, read", function()
    return ft.upload(data .. "/secret.txt", base .. "/", { progress = false })
end)
attempt("ca_file", "net, read", function()
    return http_get("https://127.0.0.1:" .. port, { ca_file = data .. "/secret.txt" })
end, { passes = true })

-- Listening.
attempt("tcp_listen", "listen", function()
    local listener, reason = tcp_listen(listen)
    if listener then listener:close() end
    return listener, reason
end)
attempt("udp_recvfrom", "listen", function()
    local socket, reason = udp_recvfrom(listen)
    if socket then socket:close() end
    return socket, reason
end)
attempt("start_server", "listen", function()
    create_server("listening", listen)
    start_server("listening")
    return stop_server("listening")
end)

-- The rest of the system.
attempt("os.getenv", "env", function() return os.getenv("SOLVM_TEST") end, { silent = true })
attempt("os.setenv", "env", function() return os.setenv("SOLVM_TEST", "x") end)
attempt("os.execute", "run", function()
    return os.execute("true") == 0, select(2, os.execute("true"))
end)
attempt("io.popen", "run", function() return output("echo x") end)
attempt("a shell", "run", function() return os.execute() == 1 end, { silent = true })
attempt("the environment of a child", "run", function()
    local text, reason = output("echo $HOME")
    return text == "\n", reason
end)

for _, attempt in ipairs(attempts) do
    local ok, result, reason = pcall(attempt.f)
    local message = tostring(ok and reason or result)
    local outcome = "failed: " .. message
    if message:find("permission denied", 1, true) then
        outcome = "denied"
    elseif ok and result or attempt.passes then
        outcome = "reached"
    elseif attempt.silent then
        outcome = "denied"
    end
    print(attempt.name .. "\t" .. attempt.needs .. "\t" .. (outcome:gsub("%s", " ")))
end
os.exit(0)
