---@meta

---Files and directories with the interface of LuaFileSystem 1.8, for programs written for it. It is
---not a global: load it with `require "lfs"` or `import("lfs")`. Functions that fail return nil,
---the reason and the operating system's error number.
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

---The version of the interface.
lfs._VERSION = "LuaFileSystem 1.8.0"

---A description of the library.
lfs._DESCRIPTION = "LuaFileSystem's interface in SolVM"

---The copyright of the interface.
lfs._COPYRIGHT = "Copyright (C) 2003-2017 Kepler Project"

---Metadata of a file: `mode` ("file", "directory", "link", "socket", "named pipe", "char device",
---"block device", "other"), `size`, `permissions` ("rw-r--r--"), `access`, `modification`, `change`
---(seconds since 1970), `dev`, `ino`, `nlink`, `uid`, `gid`, `rdev`, `blocks`, `blksize`. Symbolic
---links are followed. An unknown name is an error.
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

---The same for a symbolic link itself, with the additional field `target`.
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

---Changes the working directory of the whole program.
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

---The working directory.
---@return string? path
---@return string? message
---@return number? code
function lfs.currentdir() end

---An iterator over the names in a directory, including `.` and `..`, in no particular order; and
---the directory as an object with the methods `next` and `close`. It is an error if the directory
---cannot be opened.
---
---```lua
---local lfs = require "lfs"
---local iterator, directory = lfs.dir(".")
---assert(type(directory:next()) == "string")
---directory:close()
---```
---@param path string
---@return fun(directory: lfs_directory): string? iterator
---@return lfs_directory directory
function lfs.dir(path) end

---Creates a directory.
---@param path string
---@return boolean? success
---@return string? message
---@return number? code
function lfs.mkdir(path) end

---Removes an empty directory.
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

---Creates a hard link, or a symbolic link.
---@param old string the file; for a symbolic link, its target
---@param new string
---@param symbolic? boolean
---@return boolean? success
---@return string? message
---@return number? code
function lfs.link(old, new, symbolic) end

---Sets the access and modification times of an existing file.
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

---Locks a directory against other programs that do the same, by the link `lockfile.lfs` in it. The
---lock is held until `lock:free()`, or until the object is collected.
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

---Locks on parts of files are not supported: returns nil and a message.
---@param file file*
---@param mode "r"|"w"|"u"
---@param start? number
---@param length? number
---@return nil
---@return string message
function lfs.lock(file, mode, start, length) end

---Locks on parts of files are not supported: returns nil and a message.
---@param file file*
---@param start? number
---@param length? number
---@return nil
---@return string message
function lfs.unlock(file, start, length) end

---An open directory.
---@class lfs_directory
local Directory = {}

---The next name; nil at the end, when the directory is closed. It is an error if it is closed
---already.
---@return string? name
function Directory:next() end

---Closes the directory.
function Directory:close() end

---A locked directory.
---@class lfs_lock
local Lock = {}

---Releases the lock.
function Lock:free() end
