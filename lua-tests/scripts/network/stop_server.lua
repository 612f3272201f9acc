-- A server that stops: handlers that still run have a while, and do not keep the program from
-- ending well.
-- options: -timeout 30s
-- exit: 0

create_server("s", 0, { host = "127.0.0.1" })
local ended = 0
handle_http("s", "/sleep", function() sleep(1000) ended = ended + 1 end)
handle_http("s", "/loop", function() while true do pcall(sleep, 0.01) end end)
local begun = false
handle_http("s", "/soon", function() begun = true sleep(0.2) ended = ended + 1 return "late" end)
handle_ws("s", "/ws", function(ws) while true do sleep(0.05) ws.send("tick") end end)
local base = "http://127.0.0.1:" .. start_server("s")

-- A handler outlives its client; the server outlives neither its handlers nor its time.
while not begun do assert(http_get(base .. "/soon", { timeout = 0.05 }) == nil) end
stop_server("s")
local start = os.time()
while ended == 0 do sleep(0.01) end
assert(os.time() - start <= 2)

base = "http://127.0.0.1:" .. start_server("s")
assert(http_get(base .. "/sleep", { timeout = 0.1 }) == nil)
assert(http_get(base .. "/loop", { timeout = 0.1 }) == nil)
local ws = ws_connect((base:gsub("^http", "ws")) .. "/ws")
assert(ws.receive() == "tick")
go(function() http_get(base .. "/sleep", { timeout = 0 }) end)
sleep(0.05)
stop_server("s")
