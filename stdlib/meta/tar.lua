---@meta

---Archives of files (tar), plain or compressed with gzip.
---
---```lua
---mkdir("site/img", true)
---write_file("site/index.html", "<p>Hello</p>")
---assert(tar.create("site.tar.gz", "site"))
---for _, file in ipairs(tar.list("site.tar.gz")) do
---    assert(file.type == "directory" or file.name == "index.html")
---end
---assert(tar.extract("site.tar.gz", "restored"))
---assert(read_file("restored/index.html") == "<p>Hello</p>")
---```
---@class tar
tar = {}

---Packs files. Permissions, times and symbolic links are kept. The archive replaces its target
---atomically when it is complete.
---
---```lua
---mkdir("folder")
---write_file("folder/a", "1")
---write_file("b", "2")
---assert(tar.create("folder.tar", "folder"))
---assert(tar.list("folder.tar")[1].name == "a")
---assert(tar.create("both.tar", { "folder", "b" }))
---assert(tar.list("both.tar")[2].name == "folder/a")
---
---local packed, message = tar.create("x.tar", "missing")
---assert(not packed and message:find("missing: No such file or directory", 1, true))
---```
---@param archive string the archive's path
---@param source string|string[] a directory, whose contents are packed; a file; or a list of paths, each packed under its path
---@param options? boolean|{ compress?: boolean, progress?: boolean } `compress`, or a boolean alone: whether to compress; by default if the name ends in `.gz` or `.tgz`. `progress`: whether to show progress on a terminal, if it takes long (default true)
---@return boolean? success nil if something cannot be read or written
---@return string? message
---@return number? code
function tar.create(archive, source, options) end

---Extracts an archive into a directory, which is created if missing. Permissions (except setuid and
---setgid bits) and times are kept.
---
---Nothing is written outside the directory. An entry outside it (`../x`, `/x`, through a link), a
---link that points outside, a device or a pipe ends the extraction with an error; entries extracted
---before are kept.
---
---```lua
---write_file("a", "text")
---tar.create("a.tar", "a")
---assert(tar.extract("a.tar", "out/folder") and read_file("out/folder/a") == "text")
---
---local done, message = tar.extract("a.tar", "out", { max_size = 3 })
---assert(not done and message:find("exceed 3 bytes", 1, true))
---```
---@param archive string
---@param directory string
---@param options? { max_size?: number, progress?: boolean } `max_size`: the maximum total bytes to extract (default 4 GiB); `progress`: whether to show progress on a terminal, if it takes long (default true)
---@return boolean? success nil after an error
---@return string? message
---@return number? code
function tar.extract(archive, directory, options) end

---The contents of an archive, in its order. Each entry has the fields of `list_dir`; `name` is the
---whole path. It also has `type` (`file`, `directory`, `symlink`, `link`, `pipe`, `device`,
---`other`), and for links `link`.
---
---```lua
---write_file("a", "text")
---tar.create("a.tar", "a")
---local entry = tar.list("a.tar")[1]
---assert(entry.name == "a" and entry.size == 4 and entry.type == "file")
---assert(tar.list("a") == nil)
---```
---@param archive string
---@return table[]? entries nil if it cannot be read
---@return string? message
---@return number? code
function tar.list(archive) end
