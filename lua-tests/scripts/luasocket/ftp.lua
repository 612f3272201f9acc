-- socket.ftp against a small server.
local socket, ftp, ltn12 = require("socket"), require("socket.ftp"), require("ltn12")

local files = { ["a file"] = ("contents\n"):rep(1000) }

local function serve(control)
    local function say(line) control:send(line .. "\r\n") end
    local data
    local commands = {
        USER = function() say("331 password") end,
        PASS = function(password) say(password == "secret" and "230 welcome" or "530 no") end,
        TYPE = function() say("200 ok") end,
        EPSV = function()
            data = assert(socket.bind("127.0.0.1", 0))
            say("229 Extended (|||" .. select(2, data:getsockname()) .. "|)")
        end,
        RETR = function(name)
            if not files[name] then return say("550 missing") end
            say("150 here it comes")
            local connection = data:accept()
            connection:send(files[name])
            connection:close()
            data:close()
            say("226 done")
        end,
        STOR = function(name)
            say("150 go on")
            files[name] = data:accept():receive("*a")
            data:close()
            say("226 done")
        end,
        CWD = function() say("250 ok") end,
        QUIT = function() say("221 bye") end,
    }
    say("220-several")
    say("220 lines")
    for line in function() return control:receive() end do
        local command, argument = line:match("^(%u+) ?(.*)$")
        commands[command](argument)
    end
    control:close()
end

local listening = assert(socket.bind("127.0.0.1", 0))
local _, port = listening:getsockname()
go(function()
    while true do
        local control = listening:accept()
        if not control then return end
        go(serve, control)
    end
end)

local url = "ftp://user:secret@127.0.0.1:" .. port .. "/"
assert(ftp.get(url .. "a%20file;type=i") == files["a file"])
assert(select(2, ftp.get(url .. "other")) == "550 missing")
assert(ftp.put(url .. "new", "stored") == 6 and files.new == "stored")
assert(select(2, ftp.get((url:gsub("secret", "wrong")) .. "x")) == "530 no")
local sink, chunks = ltn12.sink.table()
assert(ftp.get({ host = "127.0.0.1", port = port, user = "user", password = "secret",
    path = "/new", sink = sink }) == 1)
assert(table.concat(chunks) == "stored")
assert(ftp.command({ host = "127.0.0.1", port = port, user = "user", password = "secret",
    command = "cwd", argument = "x", check = "250" }) == 1)
assert(select(2, ftp.get("http://x/")) == "wrong scheme 'http'")
assert(select(2, ftp.get("ftp:///x")) == "missing hostname")
listening:close()
