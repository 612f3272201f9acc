-- options: -timeout 60s -max-goroutines 8
-- Requests for which no goroutine can be started wait until others end, for two seconds.
create_server("s", 0, { host = "127.0.0.1" })
handle_http("s", "/short", function() sleep(0.1) return "done" end)
handle_http("s", "/long", function() sleep(2.5) return "done" end)
local base = "http://127.0.0.1:" .. start_server("s")

local function statuses(path)
    local answers, counts = channel.make(10), {}
    for _ = 1, 4 do
        go(function()
            local _, response = pcall(http_get, base .. path)
            answers:send(response.status)
        end)
    end
    for _ = 1, 4 do
        local _, status = answers:receive()
        counts[status] = (counts[status] or 0) + 1
    end
    return counts
end

-- Two goroutines are left for handlers.
local counts = statuses("/short")
assert(counts[200] == 4, tostring(counts[503]) .. " were refused")
counts = statuses("/long")
assert(counts[200] == 2 and counts[503] == 2, ("%s, %s"):format(counts[200], counts[503]))
stop_server("s")
