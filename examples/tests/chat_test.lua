local program = import("program")

-- The next message that a member sees.
local function seen(ws)
  local line, reason = ws.receive(10)
  return line and json_decode(line) or reason
end

test("members see what others say, and who comes and goes", function()
  program.with({ "chat", 0 }, function(chat)
    local url = chat:line()
    check.matches(http_get(url).body, "<title>Chat</title>")

    local rooms = url:gsub("^http", "ws") .. "rooms/"
    local ann = assert(ws_connect(rooms .. "lobby?name=Ann"))
    check.same(seen(ann), { kind = "joined", name = "Ann", members = { "Ann" } })
    local bob = assert(ws_connect(rooms .. "lobby?name=Bob%20B"))
    check.same(seen(ann), { kind = "joined", name = "Bob B", members = { "Ann", "Bob B" } })
    check.same(seen(bob), { kind = "joined", name = "Bob B", members = { "Ann", "Bob B" } })
    local elsewhere = assert(ws_connect(rooms .. "kitchen?name=Ann"))
    check.same(seen(elsewhere).members, { "Ann" })

    ann.send("Hello, <b>Bob</b>")
    local said = { kind = "said", name = "Ann", text = "Hello, <b>Bob</b>" }
    check.same(seen(ann), said)
    check.same(seen(bob), said)

    bob.close()
    check.same(seen(ann), { kind = "left", name = "Bob B", members = { "Ann" } })
    check.same(select(2, elsewhere.receive(0.1)), "timeout", "other rooms hear nothing")

    -- A name is free again when its member has left.
    local again = assert(ws_connect(rooms .. "lobby?name=Bob%20B"))
    check.same(seen(again).members, { "Ann", "Bob B" })
    for _, ws in ipairs({ ann, again, elsewhere }) do ws.close() end
  end)
end)

test("names are given once, and not empty", function()
  program.with({ "chat", 0 }, function(chat)
    local rooms = chat:line():gsub("^http", "ws") .. "rooms/"
    local ann = assert(ws_connect(rooms .. "lobby?name=Ann"))
    seen(ann)
    for query, expected in pairs({ ["?name=Ann"] = 4001, ["?name=%20"] = 4000, [""] = 4000 }) do
      local ws = assert(ws_connect(rooms .. "lobby" .. query))
      local _, reason, code = ws.receive(10)
      check.equal(reason, "closed", query)
      check.equal(code, expected, query)
    end
    ann.send("still here")
    check.equal(seen(ann).text, "still here")
    ann.close()
  end)
end)
