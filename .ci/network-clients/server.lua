-- The server that other programs' clients talk to: see the script `network`. Its arguments are a
-- certificate, its key and a folder. It prints the ports of HTTP and HTTPS, and then what the
-- browser reports.

local certificate, key, folder = ...

local PAGE = [[
<!DOCTYPE html>
<title>SolVM</title>
<p id="said">nothing yet</p>
<script>
const socket = new WebSocket("ws://" + location.host + "/ws")
socket.onopen = () => socket.send("the browser says hello")
socket.onmessage = (event) => {
    document.getElementById("said").textContent = event.data
    fetch("/seen", { method: "POST", body: event.data })
}
</script>
]]

local function set_up(name)
    handle_http(name, "/", function() return PAGE end)
    handle_http(name, "/echo", function(req)
        return {
            headers = { ["X-Length"] = tostring(#req.body) }, body = req.method .. ":" .. req.body,
        }
    end)
    handle_http(name, "/seen", function(req)
        print("seen: " .. req.body)
        io.stdout:flush()
        return { status = 204 }
    end)
    handle_http(name, "/stream", function()
        local i = 0
        return { body = function()
            i = i + 1
            if i > 3 then return end
            sleep(0.02)
            return "piece " .. i .. "\n"
        end }
    end)
    handle_ws(name, "/ws", function(ws)
        while true do
            local message, kind = ws.receive()
            if not message then break end
            ws.send(kind == "text" and "Echo: " .. message or message, kind)
        end
    end)
    serve_static(name, "/files", folder)
end

create_server("http", 0, { host = "127.0.0.1", max_body = 2e6 })
create_server("https", 0, true, certificate, key, { host = "127.0.0.1", max_body = 2e6 })
set_up("http")
set_up("https")
print(start_server("http"))
print(start_server("https"))
io.stdout:flush()
