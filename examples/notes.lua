-- A REST API for notes, which are kept in a JSON file.
--
--   solvm examples/notes.lua [PORT] [FILE]        (default 8080, notes.json)
--
--   curl -d '{"title": "Milk", "text": "two bottles"}' localhost:8080/notes
--   curl localhost:8080/notes/1
--   curl -X PUT -d '{"title": "Milk"}' localhost:8080/notes/1
--   curl -X DELETE localhost:8080/notes/1

local port, path = tonumber(arg[1] or 8080), arg[2] or "notes.json"

-- The contents of the file: the notes by number (as strings, since they are keys of a JSON object),
-- and the number of the next one.
local store = { next = 1, notes = json.object() }
if exists(path) then
  store = assert(json_decode(assert(read_file(path))))
end

-- Changes a note, or removes it if it becomes nil. `write_file` replaces the file when everything
-- is written, so a crash leaves the old contents or the new ones.
local function change(id, note)
  local before = store.notes[id]
  store.notes[id] = note
  local saved, problem = write_file(path, json_encode(store, { indent = 2 }) .. "\n")
  if not saved then
    store.notes[id] = before
    error(problem) -- The client gets 500, the message goes to the standard error output.
  end
end

-- Each request is handled in its own goroutine, and goroutines are switched at any point. This
-- function lets only one at a time call a function: the channel has room for one token.
local token = chan(1)
local function alone(f, ...)
  send(token, true)
  local done, result = pcall(f, ...)
  receive(token)
  if not done then
    error(result, 0)
  end
  return result
end

local function answer(status, value, headers)
  headers = headers or {}
  headers["Content-Type"] = "application/json"
  return { status = status, headers = headers, body = value and json_encode(value) }
end

local function failure(status, message, headers)
  return answer(status, { error = message }, headers)
end

-- The note in a request's body; nil and the error.
local function note_of(req)
  local note, problem = json_decode(req.body)
  if problem then
    return nil, problem
  end
  if type(note) ~= "table" or type(note.title) ~= "string" then
    return nil, "an object with a title is expected"
  end
  if note.text ~= nil and type(note.text) ~= "string" then
    return nil, "the text must be a string"
  end
  return { title = note.title, text = note.text or "" }
end

local collection, single = {}, {}

function collection.GET()
  local list = {}
  for _, note in pairs(store.notes) do
    list[#list + 1] = note
  end
  table.sort(list, function(a, b) return a.id < b.id end)
  return answer(200, list)
end

function collection.POST(req)
  local note, problem = note_of(req)
  if not note then
    return failure(400, problem)
  end
  note.id = store.next
  store.next = note.id + 1
  change(tostring(note.id), note)
  return answer(201, note, { Location = "/notes/" .. note.id })
end

function single.GET(_, _, note)
  return answer(200, note)
end

function single.PUT(req, id, old)
  local note, problem = note_of(req)
  if not note then
    return failure(400, problem)
  end
  note.id = old.id
  change(id, note)
  return answer(200, note)
end

function single.DELETE(_, id)
  change(id, nil)
  return { status = 204 }
end

-- The function for a request's method; if there is none, the response that lists the allowed ones.
local function dispatch(methods, req, ...)
  local method = methods[req.method]
  if method then
    return method(req, ...)
  end
  local allowed = tablex.keys(methods)
  table.sort(allowed)
  return failure(405, "method not allowed", { Allow = table.concat(allowed, ", ") })
end

create_server("notes", port, { host = "127.0.0.1", max_body = 100000 })

handle_http("notes", "/notes", function(req)
  return alone(dispatch, collection, req)
end)

handle_http("notes", "/notes/:id", function(req)
  return alone(function(id)
    local note = store.notes[id]
    if not note then
      return failure(404, "there is no such note")
    end
    return dispatch(single, req, id, note)
  end, req.params.id)
end)

print("http://127.0.0.1:" .. start_server("notes") .. "/notes")
