---@meta

---Modules in the way of Lua 5.1 (section 5.3): `require("name")`. (`import` is SolVM's own way.)
---@class package
---@field path string where modules are looked for: templates with `?` for the name, between semicolons
---@field cpath string of modules in C, which there are none
---@field loaded table<string, any> the modules that have been loaded
---@field preload table<string, function> functions that load modules
---@field loaders function[] what `require` asks, one after the other
package = {}

---The separators of paths.
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

---Makes the rest of the chunk a module whose globals are its table (of Lua 5.1; better: return a table).
---@param name string
---@param ... function options, as `package.seeall`
function module(name, ...) end

---An error: C libraries cannot be loaded.
---@param path string
---@param name string
---@return nil
---@return string message
---@return string where
function package.loadlib(path, name) end

---The file of a name by a search path.
---@param name string
---@param path string
---@param separator? string
---@param replacement? string
---@return string? path
---@return string? message
function package.searchpath(name, path, separator, replacement) end

---Lets a module's table find the globals.
---@param module table
function package.seeall(module) end
