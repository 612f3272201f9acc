---@meta

---Files (Lua 5.1, section 5.7). A wait for a file, a pipe or the standard input suspends only the
---calling goroutine. Functions that fail return nil, a message and a number.
---
---```lua
---local file = assert(io.open("lines.txt", "w"))
---file:write("one\n", 2, "\n")
---file:close()
---local lines = {}
---for line in io.lines("lines.txt") do lines[#lines + 1] = line end
---assert(lines[1] == "one" and lines[2] == "2")
---```
---@class io
io = {}

---Closes a file, or the default output.
---@param file? File
---@return boolean?
function io.close(file) end

---Flushes the default output.
function io.flush() end

---The default input; sets it to a file or a path if one is given.
---@param file? string|File
---@return File
function io.input(file) end

---The default output; sets it to a file or a path if one is given.
---@param file? string|File
---@return File
function io.output(file) end

---Iterates over a file, by lines unless formats are given; the file is closed at its end.
---@param path? string the default input if it is left out
---@param ... string|number formats, as in `File:read`
---@return fun(): any
function io.lines(path, ...) end

---Opens a file: "r" to read, "w" to replace its contents, "a" to append, each also with "+" for
---both and "b".
---@param path string
---@param mode? string
---@return File?
---@return string? message
---@return number? code
function io.open(path, mode) end

---Starts a shell command whose output is read ("r") or whose input is written ("w"). When the
---program times out or is ended by a signal, the command is ended, too.
---
---```lua
---local pipe = io.popen("echo hello")
---assert(pipe:read("*l") == "hello")
---pipe:close()
---```
---@param command string
---@param mode? "r"|"w"
---@return File
function io.popen(command, mode) end

---Reads from the default input.
---@param ... string|number
---@return any ...
function io.read(...) end

---Writes to the default output.
---@param ... string|number
---@return File|boolean|nil
function io.write(...) end

---A new file without a name, which is removed when it is closed.
---@return File
function io.tmpfile() end

---"file", "closed file", or nil if the value is not a file.
---@param value any
---@return string?
function io.type(value) end

---An open file.
---@class File
local File = {}

---Reads, by the given formats: "*l" a line, "*n" a number, "*a" the rest, a number that many bytes.
---nil at the end.
---@param ... string|number
---@return any ...
function File:read(...) end

---Writes strings and numbers.
---@param ... string|number
---@return boolean?
function File:write(...) end

---Iterates over the file's contents.
---@param ... string|number
---@return fun(): any
function File:lines(...) end

---Sets the position: from "set" (the start), "cur" (the current position) or "end".
---
---```lua
---local file = io.tmpfile()
---file:write("abc")
---assert(file:seek("set", 1) == 1 and file:read(1) == "b")
---```
---@param from? "set"|"cur"|"end"
---@param offset? number
---@return number? position
function File:seek(from, offset) end

---Sets the buffering of writes: "no", "full" or "line".
---@param mode string
---@param size? number
---@return boolean?
function File:setvbuf(mode, size) end

---Writes buffered data. If a write to the file has failed, even one whose call succeeded because it
---was buffered, the result is nil and the reason of the first failure.
---@return boolean?
---@return string? message
---@return number? code
function File:flush() end

---Closes the file. For a pipe, waits for the command's end. If a write to the file has failed, the
---result is nil and the reason of the first failure.
---@return boolean?
---@return string? message
---@return number? code
function File:close() end
