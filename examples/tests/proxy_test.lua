local program = import("program")

test("bytes go both ways and are counted", function()
  local server = assert(tcp_listen(0, { host = "127.0.0.1" }))
  go(function()
    while true do
      local conn = receive(server)
      if not conn then break end
      go(function()
        -- It replies after the end of the input.
        local question = conn.read("*a")
        conn.write(question:reverse() .. "!")
        conn.close()
      end)
    end
  end)

  program.with({ "proxy", 0, "127.0.0.1", server.port }, function(proxy)
    local pattern = "^127%.0%.0%.1:(%d+) %-> 127%.0%.0%.1:" .. server.port .. "$"
    local port = tonumber(proxy:line():match(pattern))
    local function ask(question)
      local conn = assert(tcp_connect("127.0.0.1", port))
      conn.write(question)
      conn.close_write()
      local answer = conn.read("*a")
      conn.close()
      return answer
    end
    check.equal(ask("hello"), "olleh!")
    check.matches(proxy:line(), "^1: connected for 127%.0%.0%.1:%d+$")
    check.equal(proxy:line(), "1: 5 bytes there, 6 bytes back")

    local large = ("0123456789\0\255"):rep(100000)
    check.ok(ask(large) == large:reverse() .. "!", "a large question is answered")
    proxy:line()
    check.equal(proxy:line(), "2: 1200000 bytes there, 1200001 bytes back")

    -- Many at the same time: each gets its own response.
    local answers = chan(20)
    for i = 1, 20 do
      go(function() send(answers, ask("question " .. i) == ("question " .. i):reverse() .. "!") end)
    end
    for _ = 1, 20 do
      check.equal(receive(answers), true)
    end
  end)
  server.close()
end)

test("a host that does not answer is told", function()
  program.with({ "proxy", 0, "127.0.0.1", 1 }, function(proxy)
    local port = tonumber(proxy:line():match(":(%d+) "))
    local conn = assert(tcp_connect("127.0.0.1", port))
    check.equal(conn.read(nil, 10), nil)
    check.equal(proxy:line(), "1: 127.0.0.1:1: Connection refused")
  end)
  local output, code = program.run("proxy", "x")
  check.matches(output, "^usage: ")
  check.equal(code, 2)
end)
