---@meta

---Modules as in Lua 5.1 (section 5.3): `require("name")`. (`import` is SolVM's own module system.)
---
---A program's own files win. `require` looks in `package.loaded` and `package.preload`, for a file
---on `package.path`, then for one next to the script, then among the packages that `solvm add` has
---installed for the project, and only then among SolVM's modules: `require("json")` returns the
---module of a file `json.lua`, if there is one, and else SolVM's. `require("solvm.json")` always
---returns SolVM's.
---
---A module that is removed from `package.loaded` is loaded again by the next `require`, as a new
---table if it is one of SolVM's. The libraries of Lua 5.1 cannot be loaded again, as in PUC Lua.
---
---```lua
---local old = require "lfs"
---package.loaded.lfs = nil
---assert(require "lfs" ~= old and require "lfs".attributes)
---```
---@class package
---@field path string where modules are searched: templates with `?` for the name, separated by semicolons
---@field cpath string the search path of C modules, empty: they are not supported
---@field loaded table<string, any> the modules that have been loaded
---@field preload table<string, function> functions that load modules
---@field loaders function[] the searchers that `require` calls in sequence
package = {}

---The separators and marks in paths.
package.config = "/\n;\n?\n!\n-"

---Loads a module once, and returns it.
---
---```lua
---write_file("shapes.lua", "return { area = function(a, b) return a * b end }")
---assert(require("shapes").area(2, 3) == 6 and require("shapes") == package.loaded.shapes)
---```
---@param name string
---@return any
function require(name) end

---Makes the rest of the chunk a module whose globals are its table (of Lua 5.1; returning a table
---is preferred).
---@param name string
---@param ... function options, as `package.seeall`
function module(name, ...) end

---Raises an error: C libraries cannot be loaded.
---@param path string
---@param name string
---@return nil
---@return string message
---@return string where
function package.loadlib(path, name) end

---Searches a path for the file of a module.
---@param name string
---@param path string
---@param separator? string
---@param replacement? string
---@return string? path
---@return string? message
function package.searchpath(name, path, separator, replacement) end

---Gives a module's table access to the globals.
---@param module table
function package.seeall(module) end
