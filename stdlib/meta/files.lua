---@meta

---Files and folders as a whole: to read, write, list, find, move and remove. Functions that fail return nil, a message that names the
---path, and the system's number of the error. (Pieces of files are read and written with `io`; `ft` copies and downloads.)

---What is known of a file.
---@class FileInfo
---@field name string its name, without the folder
---@field is_dir boolean whether it is a folder
---@field is_link boolean whether it is a symbolic link
---@field size number its size in bytes
---@field mode string kind and permissions, such as `-rw-r--r--` or `drwxr-xr-x`
---@field permissions number the permissions as a number: 420 is 644 in octal
---@field mod_time number when its contents were last changed, in seconds since 1970 (for `os.date`)
---@field error? string from `walk`: why a folder could not be read
local FileInfo = {}

---Reads a whole file. Any bytes are text.
---
---```lua
---write_file("note.txt", "Hello, World!")
---assert(read_file("note.txt") == "Hello, World!")
---
---local content, message = read_file("missing.txt")
---assert(content == nil and message == "missing.txt: No such file or directory")
---```
---@param path string
---@return string? content nil if it cannot be read
---@return string? message the path and the reason
---@return number? code the system's number of the error
function read_file(path) end

---Replaces a file atomically. The content is written to a new file in the same directory, which is then renamed over the old one:
---readers see the old contents or the new ones, and a failure leaves the old ones. On Linux a program that is killed leaves nothing
---(the new file has no name until it is complete); elsewhere it may leave a file `.solvm-...`, which a later write to the directory
---removes when it is an hour old. An existing file keeps its permissions, but not its owner: the new file belongs to the user who
---runs the program. Other names of the file (hard links) keep the old contents; the target of a symbolic link is replaced, not the
---link.
---
---```lua
---assert(write_file("config.ini", "debug = true\n"))
---assert(not write_file("no/such/folder/file", "x"))
---```
---@param path string
---@param content string
---@return boolean? success nil if it cannot be written
---@return string? message
---@return number? code
function write_file(path, content) end

---Adds text to the end of a file, which is made if it is not there.
---
---```lua
---append_file("log.txt", "one\n")
---append_file("log.txt", "two\n")
---assert(read_file("log.txt") == "one\ntwo\n")
---```
---@param path string
---@param content string
---@return boolean? success nil if it cannot be written
---@return string? message
---@return number? code
function append_file(path, content) end

---What is in a folder, in the order of the names, without `.` and `..`.
---
---```lua
---mkdir("data")
---write_file("data/a.txt", "12345")
---for _, file in ipairs(list_dir("data")) do
---    assert(file.name == "a.txt" and file.size == 5 and not file.is_dir)
---    assert(file.mode:match("^%-rw") and os.date("%Y", file.mod_time))
---end
---assert(list_dir("missing") == nil)
---```
---@param path string
---@return FileInfo[]? files nil if the folder cannot be read
---@return string? message
---@return number? code
function list_dir(path) end

---Whether there is a file or a folder of that name. A symbolic link that leads nowhere does not count.
---
---```lua
---assert(exists(".") and not exists("missing"))
---```
---@param path string
---@return boolean
function exists(path) end

---Makes a folder. With `parents` also the folders that it is to lie in, and it may be there already.
---
---```lua
---assert(mkdir("a"))
---assert(not mkdir("a"))
---assert(mkdir("a/b/c", true) and mkdir("a/b/c", true))
---```
---@param path string
---@param parents? boolean
---@return boolean? success nil if it cannot be made
---@return string? message
---@return number? code
function mkdir(path, parents) end

---Removes a file, a symbolic link or an empty folder. With `recursive` also a folder and everything in it; links in it are
---removed, not followed. (`os.remove` does the same without `recursive`.)
---
---```lua
---mkdir("a/b", true)
---assert(not remove("a"))
---assert(remove("a", true) and not exists("a"))
---```
---@param path string
---@param recursive? boolean
---@return boolean? success nil if it cannot be removed
---@return string? message
---@return number? code
function remove(path, recursive) end

---Gives a file or a folder another name. A file that has that name is replaced. Both names must be on the same file system; see
---`ft.move` for others.
---
---```lua
---write_file("old", "x")
---assert(rename("old", "new") and read_file("new") == "x" and not exists("old"))
---```
---@param from string
---@param to string
---@return boolean? success nil if it cannot be renamed
---@return string? message
---@return number? code
function rename(from, to) end

---What is known of a file or a folder. If `follow` is false, of a symbolic link itself; otherwise of what it leads to.
---
---```lua
---write_file("a.txt", "12345")
---assert(file_info("a.txt").size == 5 and file_info(".").is_dir)
---assert(file_info("missing") == nil)
---```
---@param path string
---@param follow? boolean default true
---@return FileInfo? info nil if there is nothing of that name
---@return string? message
---@return number? code
function file_info(path, follow) end

---Goes through everything below a folder: a folder comes before what is in it, names are in order. Folders are read when it is
---their turn. Symbolic links are not followed. A folder that cannot be read has the field `error`. It is an error if the first
---folder cannot be read.
---
---```lua
---mkdir("top/sub", true)
---write_file("top/sub/file", "")
---local found = {}
---for path, info in walk("top") do
---    found[#found + 1] = path .. (info.is_dir and "/" or "")
---end
---assert(table.concat(found, " ") == "top/sub/ top/sub/file")
---```
---@param folder string
---@return fun(): string?, FileInfo? iterator
function walk(folder) end

---The paths that match a pattern, in order; an empty list if there are none. `*` stands for any text without a slash, `?` for one
---character, `[a-z]` for one of several, `[!a-z]` for one of all others, `{a,b}` for one of these, `**` for any folders.
---Names that begin with a dot are found like others; symbolic links to folders are not entered. A pattern that makes no sense is
---an error.
---
---```lua
---mkdir("src/lib", true)
---for _, name in ipairs { "src/a.lua", "src/lib/b.lua", "src/c.txt" } do
---    write_file(name, "")
---end
---assert(table.concat(glob("src/*.lua"), " ") == "src/a.lua")
---assert(table.concat(glob("src/**/*.{lua,txt}"), " ") == "src/a.lua src/c.txt src/lib/b.lua")
---```
---@param pattern string
---@return string[]? paths nil if a folder cannot be read
---@return string? message
function glob(pattern) end
