-- A server with a page, a JSON interface and a WebSocket: solvm examples/server.lua [PORT]
local visits = 0

create_server("site", tonumber(arg[1]) or 8080, { host = "127.0.0.1" })

handle_http("site", "/", function(req)
  visits = visits + 1
  return {
    headers = { ["Content-Type"] = "text/html" },
    body = "<h1>Hello</h1><p>visit number " .. visits .. "</p>",
  }
end)

handle_http("site", "/api/visits/:from", function(req)
  return {
    headers = { ["Content-Type"] = "application/json" },
    body = json_encode({ visits = visits, from = req.params.from }),
  }
end)

handle_ws("site", "/echo", function(ws)
  while true do
    local message = ws.receive()
    if not message then break end
    ws.send("you said: " .. message)
  end
end)

print("http://127.0.0.1:" .. start_server("site") .. "/")
