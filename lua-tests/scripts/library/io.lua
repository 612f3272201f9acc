-- Files: every function and method, their formats, their errors.
-- options: -timeout 60s -memory-limit 256
local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and tostring(message):find(text, 1, true), tostring(message))
end

local function refused(path, text, code, ...)
  local result, message, number = ...
  assert(result == nil and message == (path and path .. ": " or "") .. text and number == code,
    tostring(message))
end

local path = os.tmpname()
local function write(text)
  local file = assert(io.open(path, "w"))
  assert(file:write(text) == true and file:close() == true)
end
local function contents()
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return text
end

-- open: modes
write("one\ntwo")
local file = io.open(path, "a")
file:write("\n", 3, "\n")
file:close()
assert(contents() == "one\ntwo\n3\n")
file = io.open(path, "r+b")
assert(file:read("*l") == "one")
file:seek("cur", 0)
file:write("TWO")
file:close()
assert(contents() == "one\nTWO\n3\n")
file = io.open(path, "w+")
file:write("fresh")
assert(file:seek("set") == 0 and file:read("*a") == "fresh")
file:close()
file = io.open(path, "a+")
assert(file:read("*a") == "fresh" and file:write("er"))
file:close()
assert(contents() == "fresher")
refused(path, "Invalid argument", 22, io.open(path, "x"))
refused(path, "Invalid argument", 22, io.open(path, ""))
refused("/nonexistent/file", "No such file or directory", 2, io.open("/nonexistent/file"))
refused("/nonexistent/file", "No such file or directory", 2, io.open("/nonexistent/file", "w"))
refused("/", "Is a directory", 21, io.open("/", "w"))
refused(nil, "Is a directory", 21, io.open("/"):read("*a"))
fails("bad argument #1 to 'open' (string expected, got no value)", function() io.open() end)
fails("bad argument #2 to 'open' (string expected, got table)", function() io.open("x", {}) end)

-- read: formats
write("line\n\n 12 -0x1F .5e1 7+ x\nrest\0of it")
file = io.open(path)
assert(file:read() == "line" and file:read("*l") == "")
local a, b, c, d, e, f = file:read("*n", "*n", "*number", "*n", "*n", 1)
assert(a == 12 and b == -31 and c == 5 and d == 7 and e == nil and f == nil)
assert(file:read("*line") == " x" and file:read(4, 0) == "rest" and file:read(3) == "\0of")
local rest, more = file:read("*all", "*a")
assert(rest == " it" and more == "")
assert(file:read("*l") == nil and file:read(0) == nil and file:read(1) == nil
  and file:read("*n") == nil and file:read("*a") == "")
fails("bad argument #1 to 'read' (invalid option)", function() file:read("l") end)
fails("bad argument #1 to 'read' (invalid option)", function() file:read({}) end)
fails("bad argument #2 to 'read' (invalid format)", function() file:read("*a", "*x") end)
file:close()

-- long lines and many of them
local long = ("x"):rep(100000)
write(long .. "\n" .. long)
file = io.open(path)
assert(file:read() == long and file:read(50000) == long:sub(1, 50000)
  and file:read() == long:sub(1, 50000) and file:read() == nil)
file:close()
write(("12345\n"):rep(20000))
file = io.open(path)
local sum = 0
for n in file:lines("*n") do sum = sum + n end
assert(sum == 12345 * 20000 and io.type(file) == "file")
file:close()

-- seek
write("0123456789")
file = io.open(path)
assert(file:seek() == 0 and file:read(2) == "01" and file:seek() == 2 and file:seek("cur", 3) == 5
  and file:read(1) == "5")
assert(file:seek("end", -1) == 9 and file:read("*a") == "9" and file:seek("end") == 10
  and file:seek("set", 20) == 20 and file:read(1) == nil)
refused(nil, "Invalid argument", 22, file:seek("set", -1))
refused(nil, "Invalid argument", 22, file:seek("cur", -100))
fails("bad argument #1 to 'seek' (invalid option 'start')", function() file:seek("start") end)
fails("bad argument #2 to 'seek' (number expected, got table)", function() file:seek("set", {}) end)
refused(nil, "Bad file descriptor", 9, file:write("x"))
file:close()
file = io.open(path, "w")
refused(nil, "Bad file descriptor", 9, file:read())

-- write, flush, setvbuf
assert(file:write() == true and file:write("a", 1.5, -2) == true and contents() == "")
assert(file:flush() == true and contents() == "a1.5-2")
fails("bad argument #2 to 'write' (string expected, got nil)", function() file:write("x", nil) end)
assert(file:setvbuf("no") == true and file:write("now") and contents():find("now$"))
assert(file:setvbuf("line") and file:write("held") and not contents():find("held")
  and file:write("\n") and contents():find("held\n$"))
assert(file:setvbuf("full", 4) and file:write("ab") and not contents():find("ab$")
  and file:write("cd") and contents():find("abcd$"))
fails("bad argument #1 to 'setvbuf' (invalid option 'x')", function() file:setvbuf("x") end)
fails("bad argument #1 to 'setvbuf' (string expected, got no value)", function() file:setvbuf() end)

-- tostring, type, close
assert(tostring(file):find("^file %(0x%x+%)$") and io.type(file) == "file"
  and type(file) == "userdata")
assert(file:close() == true and tostring(file) == "file (closed)" and io.type(file) == "closed file"
  and io.type("x") == nil)
fails("attempt to use a closed file", file.read, file)
fails("attempt to use a closed file", file.close, file)
fails("attempt to use a closed file", io.close, file)
fails("bad argument #1 to 'type' (value expected)", function() io.type() end)
fails("FILE* expected, got number", function() io.stdout.write(1) end)
fails("FILE* expected, got no value", function() io.stdout.write() end)
fails("FILE* expected, got nil", function() io.close(nil) end)
local metatable = getmetatable(io.stdout)
assert(metatable.__index == metatable and metatable == getmetatable(file))
local ok, message = io.stdout:close()
assert(ok == nil and message == "cannot close standard file")

-- default files
assert(io.output() == io.stdout and io.input() == io.stdin and io.type(io.stderr) == "file")
assert(io.output(path) == io.output() and io.output() ~= io.stdout)
assert(io.write("alpha\n", 2, "\nomega") == true and io.flush() == true and io.close() == true)
fails("standard output file is closed", io.write, "x")
fails("standard output file is closed", io.flush)
fails("attempt to use a closed file", io.close)
assert(io.output(io.stdout) == io.stdout)
local input = io.input(path)
assert(io.input() == input and io.read() == "alpha" and io.read("*n", "*l") == 2)
for line in io.lines() do assert(line == "omega") end
assert(io.type(input) == "file" and io.close(input))
fails("standard input file is closed", io.read)
fails("attempt to use a closed file", io.lines)
io.input(io.stdin)
fails("bad argument #1 to 'input' (/nonexistent/file: No such file or directory)", function()
  io.input("/nonexistent/file")
end)
fails("bad argument #1 to 'output' (FILE* expected, got table)", function() io.output({}) end)
fails("bad argument #2 to 'read' (invalid format)", function() io.read(0, "*z") end)

-- lines
write("a\nb\n\nc")
local lines = {}
for line in io.lines(path) do lines[#lines + 1] = line end
assert(table.concat(lines, ",") == "a,b,,c")
local pairs_of = {}
for x, y in io.lines(path, 1, "*l") do pairs_of[#pairs_of + 1] = x .. "/" .. tostring(y) end
assert(table.concat(pairs_of, " ") == "a/ b/ \n/c")
local iterator = io.lines(path)
for _ = 1, 4 do iterator() end
assert(select("#", iterator()) == 0)
fails("file is already closed", iterator)
file = io.open(path)
iterator = file:lines()
assert(iterator() == "a" and file:read() == "b" and iterator() == "")
file:close()
fails("file is already closed", iterator)
fails("bad argument #1 to 'lines' (/nonexistent/file: No such file or directory)", function()
  io.lines("/nonexistent/file")
end)
fails("Is a directory", io.lines("/"))
fails("bad argument #2 to 'lines' (invalid option)", function() io.lines(path, "x") end)

-- tmpfile
file = io.tmpfile()
assert(file:write("hidden") and file:seek("set", 1) == 1 and file:read(3) == "idd"
  and file:write("!") and file:seek("set") and file:read("*a") == "hidd!n")
file:close()

-- a file that is forgotten is closed, and what was written is there
do
  local forgotten = io.open(path, "w")
  forgotten:write("not lost")
end
collectgarbage()
collectgarbage()
assert(contents() == "not lost")

-- the memory limit holds for reading
fails("not enough memory", function() return io.open("/dev/zero"):read("*a") end)
os.remove(path)
