-- copas, where it is installed: its loop of select runs as a goroutine next to others.
local has_copas, copas = pcall(require, "copas")
if not has_copas then
    print("copas is not installed")
    return
end
local socket, http = require("socket"), require("socket.http")

local server = assert(socket.bind("127.0.0.1", 0))
local _, port = server:getsockname()
copas.addserver(server, function(sock)
    sock = copas.wrap(sock)
    local line = sock:receive()
    while line and line ~= "" do
        if line:find("^GET") then
            sock:send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhttp")
            return
        end
        sock:send("echo " .. line .. "\n")
        line = sock:receive()
    end
end)

local results = {}
for i = 1, 10 do
    copas.addthread(function()
        local connection = assert(socket.connect("127.0.0.1", port))
        connection:settimeout(0)
        local client = copas.wrap(connection)
        client:send("line " .. i .. "\n")
        local answer = client:receive()
        results[#results + 1] = answer
        client.socket:close()
    end)
end
copas.addthread(function()
    local body, why = http.request({
        url = "http://127.0.0.1:" .. port .. "/",
        create = function()
            local sock = copas.wrap(socket.tcp())
            function sock:connect(...) return copas.connect(self.socket, ...) end
            -- copas 1.1 returns nothing from settimeout, and leaves the prefix out.
            function sock:settimeout() return 1 end
            function sock:receive(...) return copas.receive(self.socket, ...) end
            function sock:close() return self.socket:close() end
            return sock
        end,
    })
    results[#results + 1] = tostring(body or why)
end)

-- Another goroutine goes on while copas waits.
local ticks = 0
if go then
    go(function()
        for _ = 1, 5 do
            socket.sleep(0.01)
            ticks = ticks + 1
        end
    end)
end
local limit = socket.gettime() + 20
while (#results < 11 or go and ticks < 5) and socket.gettime() < limit do copas.step(0.1) end
table.sort(results)
assert(#results == 11 and results[2] == "echo line 1", table.concat(results, "|"))
