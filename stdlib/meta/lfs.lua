---@meta

---Files and folders with the interface of LuaFileSystem 1.8, for programs that are written for it. It is no global: ask for it by
---`require "lfs"` or `import("lfs")`. Functions that fail return nil, the reason and the system's number of the error.
---
---```lua
---local lfs = require "lfs"
---lfs.mkdir("folder")
---assert(lfs.attributes("folder", "mode") == "directory")
---for name in lfs.dir("folder") do
---    assert(name == "." or name == "..")
---end
---```
---@class lfs
lfs = {}

---Whose interface it is.
lfs._VERSION = "LuaFileSystem 1.8.0"

---What it is.
lfs._DESCRIPTION = "LuaFileSystem's interface in SolVM"

---Who has made that.
lfs._COPYRIGHT = "Copyright (C) 2003-2017 Kepler Project"

---What is known of a file: `mode` ("file", "directory", "link", "socket", "named pipe", "char device", "block device", "other"), `size`,
---`permissions` ("rw-r--r--"), `access`, `modification`, `change` (seconds since 1970), `dev`, `ino`, `nlink`, `uid`, `gid`, `rdev`,
---`blocks`, `blksize`. Symbolic links are followed. A name that is none of these is an error.
---
---```lua
---local lfs = require "lfs"
---write_file("a", "12345")
---assert(lfs.attributes("a").size == 5 and lfs.attributes("a", "size") == 5)
---assert(lfs.attributes("missing") == nil)
---```
---@param path string
---@param what? string|table one attribute; or a table that gets all of them
---@return any attributes
---@return string? message
---@return number? code
function lfs.attributes(path, what) end

---The same of a symbolic link itself, also with `target`, what it leads to.
---
---```lua
---local lfs = require "lfs"
---write_file("a", "")
---lfs.link("a", "link", true)
---assert(lfs.symlinkattributes("link", "target") == "a")
---```
---@param path string
---@param what? string|table
---@return any attributes
---@return string? message
---@return number? code
function lfs.symlinkattributes(path, what) end

---Changes the folder that relative paths begin at, for the whole program.
---
---```lua
---local lfs = require "lfs"
---lfs.mkdir("folder")
---assert(lfs.chdir("folder") and lfs.currentdir():match("[^/]+$") == "folder")
---```
---@param path string
---@return boolean? success
---@return string? message
function lfs.chdir(path) end

---The folder that relative paths begin at.
---@return string? path
---@return string? message
---@return number? code
function lfs.currentdir() end

---An iterator over the names in a folder, `.` and `..` among them, in no order; and the folder as an object with the methods `next`
---and `close`. A folder that cannot be opened is an error.
---
---```lua
---local lfs = require "lfs"
---local iterator, folder = lfs.dir(".")
---assert(type(folder:next()) == "string")
---folder:close()
---```
---@param path string
---@return fun(folder: lfs_directory): string? iterator
---@return lfs_directory folder
function lfs.dir(path) end

---Makes a folder.
---@param path string
---@return boolean? success
---@return string? message
---@return number? code
function lfs.mkdir(path) end

---Removes an empty folder.
---
---```lua
---local lfs = require "lfs"
---assert(lfs.mkdir("folder") and lfs.rmdir("folder"))
---assert(not lfs.rmdir("folder"))
---```
---@param path string
---@return boolean? success
---@return string? message
---@return number? code
function lfs.rmdir(path) end

---Gives a file a second name, or makes a symbolic link.
---@param old string the file; in a symbolic link, the text of it
---@param new string
---@param symbolic? boolean
---@return boolean? success
---@return string? message
---@return number? code
function lfs.link(old, new, symbolic) end

---Sets the times of access and modification of a file that is there.
---
---```lua
---local lfs = require "lfs"
---write_file("a", "")
---assert(lfs.touch("a", 1000, 2000) and lfs.attributes("a", "modification") == 2000)
---```
---@param path string
---@param atime? number seconds since 1970; default now
---@param mtime? number default `atime`
---@return boolean? success
---@return string? message
---@return number? code
function lfs.touch(path, atime, mtime) end

---Does nothing: there is no difference between text and binary files.
---@param file file*
---@param mode "text"|"binary"
---@return boolean success true
---@return string mode "binary"
function lfs.setmode(file, mode) end

---Locks a folder against others that do the same, by the link `lockfile.lfs` in it. The lock is held until `lock:free()`, or until
---the object is collected.
---
---```lua
---local lfs = require "lfs"
---local lock = assert(lfs.lock_dir("."))
---assert(lfs.lock_dir(".") == nil)
---lock:free()
---```
---@param path string
---@param stale? number has no meaning here, as with LuaFileSystem on POSIX
---@return lfs_lock? lock
---@return string? message
function lfs.lock_dir(path, stale) end

---Locks on parts of files are not supported: returns nil and a message that says so.
---@param file file*
---@param mode "r"|"w"|"u"
---@param start? number
---@param length? number
---@return nil
---@return string message
function lfs.lock(file, mode, start, length) end

---Locks on parts of files are not supported: returns nil and a message that says so.
---@param file file*
---@param start? number
---@param length? number
---@return nil
---@return string message
function lfs.unlock(file, start, length) end

---An open folder.
---@class lfs_directory
local Directory = {}

---The next name; nil at the end, where the folder is closed. It is an error if it is closed already.
---@return string? name
function Directory:next() end

---Closes the folder.
function Directory:close() end

---A locked folder.
---@class lfs_lock
local Lock = {}

---Gives the folder free.
function Lock:free() end
