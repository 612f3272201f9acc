-- A TCP proxy: forwards connections to a local port to another host, in both directions, and counts
-- the bytes.
--
--   solvm examples/proxy.lua PORT HOST HOST_PORT        (PORT 0 is any free one)
--
--   solvm examples/proxy.lua 8080 example.com 80

local port, host, host_port = tonumber(arg[1]), arg[2], tonumber(arg[3])
if not (port and host and host_port) then
  io.stderr:write("usage: solvm proxy.lua PORT HOST HOST_PORT\n")
  os.exit(2)
end

-- Forwards everything that one end sends, and then its end; returns the number of bytes.
local function pass_on(from, to)
  local bytes = 0
  while true do
    local data = from.read()
    if not data or not to.write(data) then break end
    bytes = bytes + #data
  end
  to.close_write()
  return bytes
end

local function serve(client, number)
  local server, problem = tcp_connect(host, host_port)
  if not server then
    print(number .. ": " .. problem)
    return client.close()
  end
  print(number .. ": connected for " .. client.remote_addr)

  -- One direction runs in a goroutine, the other one here.
  local answered = chan(1)
  go(function() send(answered, pass_on(server, client)) end)
  local asked = pass_on(client, server)
  print(("%d: %d bytes there, %d bytes back"):format(number, asked, receive(answered)))
  client.close()
  server.close()
end

local listener, problem = tcp_listen(port, { host = "127.0.0.1" })
if not listener then
  io.stderr:write(problem, "\n")
  os.exit(1)
end
print("127.0.0.1:" .. listener.port .. " -> " .. host .. ":" .. host_port)

local count = 0
while true do
  local client = receive(listener)
  if not client then break end
  count = count + 1
  go(serve, client, count)
end
