-- A chat with rooms: a page for the browser, and a WebSocket for each member of a room.
--
--   solvm examples/chat.lua [PORT]        (default 8080; 0 is any free port)
--
-- Open the address that it prints in two windows. Members send plain text; the server sends JSON:
-- {"kind": "joined" | "said" | "left", "name": ..., "text": ..., "members": [...]}

local folder = arg[0]:match("^(.*[/\\])") or ""
local page = assert(read_file(folder .. "chat.html"))

-- How many messages may wait for a member whose connection is slow.
local PATIENCE = 100

-- Only one goroutine accesses the rooms; the others send it events through this channel. So the
-- rooms do not change during its work, and all members of a room see everything in the same order.
local events = chan(PATIENCE)
local rooms = {} -- name -> (member's name -> member)

local function members(room)
  local names = tablex.keys(room)
  table.sort(names)
  return names
end

-- Sends a message to all members of a room without waiting: members that have not read the last
-- messages are removed.
local function tell(room, message)
  local line = json_encode(message)
  for _, member in pairs(room) do
    if not send(member.outbox, line, 0) then
      member.ws.close(4002, "too slow")
    end
  end
end

local happens = {}

function happens.enter(name, member)
  local room = rooms[name] or {}
  if room[member.name] then
    return send(member.admitted, false)
  end
  rooms[name], room[member.name] = room, member
  send(member.admitted, true)
  tell(room, { kind = "joined", name = member.name, members = members(room) })
end

function happens.say(name, member, text)
  tell(rooms[name], { kind = "said", name = member.name, text = text })
end

function happens.leave(name, member)
  local room = rooms[name]
  room[member.name] = nil
  close_channel(member.outbox)
  if next(room) then
    tell(room, { kind = "left", name = member.name, members = members(room) })
  else
    rooms[name] = nil
  end
end

go(function()
  while true do
    local event = receive(events)
    if not event then break end
    happens[event.what](event.room, event.member, event.text)
  end
end)

create_server("chat", tonumber(arg[1] or 8080), { host = "127.0.0.1", max_message = 10000 })

handle_http("chat", "/", function()
  return page
end)

handle_ws("chat", "/rooms/:room", function(ws, req)
  local room, name = req.params.room, text.trim(req.query_params.name or "")
  if name == "" then
    return ws.close(4000, "a name is missing")
  end
  local member = { name = name, ws = ws, outbox = chan(PATIENCE), admitted = chan(1) }
  send(events, { what = "enter", room = room, member = member })
  if not receive(member.admitted) then
    return ws.close(4001, "the name is taken")
  end

  -- Messages to this member are sent by a separate goroutine, while this one waits for the member's
  -- messages.
  go(function()
    while true do
      local line = receive(member.outbox)
      if not line then break end
      ws.send(line)
    end
  end)
  while true do
    local said = ws.receive()
    if not said then break end
    send(events, { what = "say", room = room, member = member, text = said })
  end
  send(events, { what = "leave", room = room, member = member })
end)

print("http://127.0.0.1:" .. start_server("chat") .. "/")
