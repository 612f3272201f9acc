local program = import("program")

test("notes are made, changed and removed, and outlive the server", function()
  program.in_folder(function(folder)
    local file = folder .. "/notes.json"
    program.with({ "notes", 0, file }, function(server)
      local url = server:line()
      check.same(json_decode(http_get(url).body), {})

      local made = http_post(url, json_encode({ title = "Milk", text = "two bottles" }))
      check.equal(made.status, 201)
      check.equal(made.headers.Location, "/notes/1")
      check.same(json_decode(made.body), { id = 1, title = "Milk", text = "two bottles" })
      check.same(json_decode(http_get(url .. "/1").body),
        { id = 1, title = "Milk", text = "two bottles" })

      -- Many at the same time: each gets its own number.
      for i = 2, 20 do
        go(function() http_post(url, json_encode({ title = "note" })) end)
      end
      wait()
      local ids = tablex.map(json_decode(http_get(url).body), function(note) return note.id end)
      check.same(ids, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 })

      check.equal(http_put(url .. "/1", json_encode({ title = "Bread" })).status, 200)
      check.same(json_decode(http_get(url .. "/1").body), { id = 1, title = "Bread", text = "" })

      local removed = http_delete(url .. "/2")
      check.equal(removed.status, 204)
      check.equal(removed.body, "")
      check.equal(http_get(url .. "/2").status, 404)
      check.equal(http_delete(url .. "/2").status, 404)
    end)

    local saved = json_decode(read_file(file))
    check.equal(saved.next, 21)
    check.equal(saved.notes["1"].title, "Bread")
    check.same(list_dir(file:match("^(.*)/"))[2], nil, "no unfinished file is left")
    program.with({ "notes", 0, file }, function(server)
      local url = server:line()
      check.equal(#json_decode(http_get(url).body), 19)
      check.equal(json_decode(http_post(url, '{"title": "new"}').body).id, 21)
    end)
  end)
end)

test("what is wrong is told", function()
  program.in_folder(function(folder)
    program.with({ "notes", 0, folder .. "/notes.json" }, function(server)
      local url = server:line()
      for body, message in pairs({
        ["{"] = "line 1, column 2",
        [""] = "line 1, column 1",
        ["null"] = "an object with a title is expected",
        ["[]"] = "an object with a title is expected",
        ['{"title": 1}'] = "an object with a title is expected",
        ['{"title": "x", "text": 1}'] = "the text must be a string",
      }) do
        local response = http_post(url, body)
        check.equal(response.status, 400, body)
        check.equal(response.headers["Content-Type"], "application/json")
        check.contains(json_decode(response.body).error, message)
      end
      local response = http_delete(url)
      check.equal(response.status, 405)
      check.equal(response.headers.Allow, "GET, POST")
      check.equal(http_post(url, '{"title": "x"}').status, 201)
      check.equal(http_post(url .. "/1", "{}").headers.Allow, "DELETE, GET, PUT")
      check.equal(http_get(url .. "/1/2").status, 404)
    end)
  end)
end)

test("a note that cannot be saved is not there", function()
  program.in_folder(function(folder)
    program.with({ "notes", 0, folder .. "/missing/notes.json" }, function(server)
      local url = server:line()
      check.equal(http_post(url, '{"title": "x"}').status, 500)
      check.same(json_decode(http_get(url).body), {})
      check.equal(http_post(url, '{"title": "x"}').status, 500, "and nothing is stuck")
    end)
  end)
end)
