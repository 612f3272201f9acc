-- Child processes, pipes and standard output: waiting does not block other goroutines.
-- stdout: first second child third
local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and tostring(message):find(text, 1, true), tostring(message))
end

-- reading
local child = io.popen("echo one; echo two; exit 3")
assert(child:read("*l") == "one" and tostring(child):find("^file %(0x"))
assert(child:read("*a") == "two\n" and child:read("*l") == nil and child:close() == true)
fails("attempt to use a closed file", child.read, child)
local ok, message, code = io.popen("echo x", "rw")
assert(ok == nil and message == "echo x: Invalid argument" and code == 22)
fails("bad argument #1 to 'popen' (string expected, got no value)", function() io.popen() end)
child = io.popen("echo x")
ok, message = child:write("y")
assert(ok == nil and message == "Bad file descriptor")
ok, message = child:seek("set", 1)
assert(ok == nil and message == "Illegal seek")
child:close()

-- writing: close waits for the end
local path = os.tmpname()
child = io.popen("sleep 0.05; cat > " .. path, "w")
child:write("to the ", "child")
child:close()
assert(io.open(path):read("*a") == "to the child")
-- more than a pipe holds
child = io.popen("sleep 0.05; wc -c > " .. path, "w")
local piece = ("x"):rep(50000)
for _ = 1, 10 do assert(child:write(piece)) end
assert(child:write(("x"):rep(1000000)) and child:close())
assert(io.open(path):read("*n") == 1500000)

-- statuses, as system() gives them
assert(os.execute("exit 3") == 768 and os.execute("true") == 0 and os.execute("kill -9 $$") == 9
  and os.execute() == 1)

-- others continue
local ticks, finished = 0, 0
go(function()
  while finished < 3 do
    ticks = ticks + 1
    io.popen("true"):close()
  end
end)
for _, wait in ipairs {
  function() os.execute("sleep 0.2") end, function() io.popen("sleep 0.2; echo x"):read() end,
  function() io.popen("sleep 0.2", "w"):close() end,
} do
  local before = ticks
  wait()
  assert(ticks > before)
  finished = finished + 1
end

-- a pipe with a name: to open it waits, too
os.remove(path)
os.execute("mkfifo " .. path)
local received
go(function()
  local reader = io.open(path)
  received = reader:read("*a")
  reader:close()
end)
local writer = io.open(path, "w")
writer:write("through the pipe")
writer:close()
while not received do os.execute("true") end
assert(received == "through the pipe")
os.remove(path)

-- several readers of one pipe wait for each other
child = io.popen("sleep 0.05; echo a; echo b; echo c")
local all = {}
for _ = 1, 3 do
  go(function()
    local line = child:read()
    all[#all + 1] = line
  end)
end
while #all < 3 do os.execute("true") end
table.sort(all)
assert(table.concat(all) == "abc")
child:close()

io.write("first ")
io.stdout:write("second ")
os.execute("printf 'child '")
print("third")
