---@meta

---Reads, writes, lists, finds, moves and removes files and directories. Functions that fail return
---nil, a message that names the path, and the operating system's error number. (To read or write
---files in parts use `io`; `ft` copies and downloads.)

---File metadata.
---@class FileInfo
---@field name string its name, without the directory
---@field is_dir boolean whether it is a directory
---@field is_link boolean whether it is a symbolic link
---@field size number its size in bytes
---@field mode string kind and permissions, such as `-rw-r--r--` or `drwxr-xr-x`
---@field permissions number the permissions as a number: 420 is 644 in octal
---@field mod_time number when its contents were last changed, in seconds since 1970 (for `os.date`)
---@field error? string from `walk`: why a directory could not be read
local FileInfo = {}

---Reads a whole file. It may contain any bytes.
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
---@return number? code the operating system's error number
function read_file(path) end

---Replaces a file atomically. The content is written to a new file in the same directory, which is
---then renamed over the old one: readers see the old contents or the new ones, and a failure leaves
---the old ones. On Linux a program that is killed leaves nothing (the new file has no name until it
---is complete); elsewhere it may leave a file `.solvm-...`, which a later write to the directory
---removes when it is an hour old. An existing file keeps its permissions, but not its owner: the
---new file belongs to the user who runs the program. Other names of the file (hard links) keep the
---old contents; the target of a symbolic link is replaced, not the link.
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

---Appends to a file, creating it if missing.
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

---The contents of a directory, sorted by name, without `.` and `..`.
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
---@return FileInfo[]? files nil if the directory cannot be read
---@return string? message
---@return number? code
function list_dir(path) end

---Whether a file or a directory exists. A symbolic link without a target does not count.
---
---```lua
---assert(exists(".") and not exists("missing"))
---```
---@param path string
---@return boolean
function exists(path) end

---Creates a directory. With `parents` it also creates missing parent directories and succeeds if
---the directory exists.
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

---Removes a file, a symbolic link or an empty directory. With `recursive` it also removes a
---directory and everything in it; links in it are removed, not followed. (`os.remove` does the same
---without `recursive`.)
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

---Renames a file or a directory. An existing file of the new name is replaced. Both names must be
---on the same file system; see `ft.move` for others.
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

---Metadata of a file or a directory. If `follow` is false, that of a symbolic link itself;
---otherwise that of its target.
---
---```lua
---write_file("a.txt", "12345")
---assert(file_info("a.txt").size == 5 and file_info(".").is_dir)
---assert(file_info("missing") == nil)
---```
---@param path string
---@param follow? boolean default true
---@return FileInfo? info nil if the path does not exist
---@return string? message
---@return number? code
function file_info(path, follow) end

---Visits everything below a directory: a directory comes before its contents, names are sorted.
---Directories are read when they are reached. Symbolic links are not followed. A directory that
---cannot be read has the field `error`. It is an error if the first directory cannot be read.
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
---@param directory string
---@return fun(): string?, FileInfo? iterator
function walk(directory) end

---The sorted paths that match a pattern; an empty list if there are none. `*` matches any string
---without a slash, `?` one character, `[a-z]` one of a set, `[!a-z]` one not in the set, `{a,b}`
---either alternative, `**` any directories. Names that start with a dot are matched like others;
---symbolic links to directories are not followed. An invalid pattern is an error.
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
---@return string[]? paths nil if a directory cannot be read
---@return string? message
function glob(pattern) end
