---@meta

---A parser for XML that calls functions, with the interface of luaexpat 1.5, for programs written
---for it. It is not a global: load it with `require "lxp"`.
---
---The callbacks are those of luaexpat, with its arguments, except for two that are never called:
---`ExternalEntityRef`, since other files are never read (`SkippedEntity` is called instead), and
---`NotStandalone`. Encodings are UTF-8, ISO-8859-1 and US-ASCII. Callbacks may wait and yield. How
---much entities amplify the input is limited as in expat. `lxp.threat` does not exist; limit the
---size of the input instead.
---
---`lxp.lom` (`parse`, `find_elem`, `list_children`) and `lxp.totable` (`parse`, `clean`,
---`torecord`) make tables of documents.
---
---```lua
---local lxp = require "lxp"
---local names = {}
---local parser = lxp.new {
---    StartElement = function(_, name, attributes)
---        names[#names + 1] = name .. (attributes.id or "")
---    end,
---}
---parser:parse '<list><item id="1"/>'
---parser:parse "</list>"
---parser:parse()
---parser:close()
---assert(table.concat(names, " ") == "list item1")
---local tree = require("lxp.lom").parse "<a x='1'>text<b/></a>"
---assert(tree.tag == "a" and tree.attr.x == "1" and tree[1] == "text" and tree[2].tag == "b")
---```
---@class lxp
lxp = {}

---The version of the interface.
lxp._VERSION = "LuaExpat 1.5.1"

---The version of expat whose messages these are.
lxp._EXPAT_VERSION = "expat_2.5.0"

---A description of the library.
lxp._DESCRIPTION = "LuaExpat's interface in SolVM"

---The copyright of the interface.
lxp._COPYRIGHT = "Copyright (C) 2003-2012 The Kepler Project, 2013-2022 Matthew Wild"

---A parser. With a separator, names have the URI of their namespace before it.
---
---```lua
---local lxp = require "lxp"
---local parser = lxp.new({ StartElement = function(_, name) assert(name == "urn:x|a") end }, "|")
---assert(parser:parse "<a xmlns='urn:x'/>")
---local ok, message, line, column = lxp.new({}):parse "<a></b>"
---assert(ok == nil and message == "mismatched tag" and line == 1 and column == 6)
---```
---@param callbacks table
---@param separator? string
---@param merge? boolean whether character data in a row is one call, default true
---@return Expat parser
function lxp.new(callbacks, separator, merge) end

---A parser.
---@class Expat
local Expat = {}

---Parses a chunk; without one, the document ends.
---@param text? string
---@return Expat? parser
---@return string? message
---@return number? line
---@return number? column
---@return number? position
function Expat:parse(text) end

---Ends the document and frees the parser.
---@return Expat parser
function Expat:close() end

---The position of the current event.
---@return number line
---@return number column
---@return number position
function Expat:pos() end

---Ends parsing after the current callback.
---@return boolean success
function Expat:stop() end

---The table of callbacks.
---@return table callbacks
function Expat:getcallbacks() end

---The length of the current token.
---@return number bytes
function Expat:getcurrentbytecount() end

---Sets the base of relative names in declarations.
---@param base string
---@return Expat parser
function Expat:setbase(base) end

---The base of relative names.
---@return string? base
function Expat:getbase() end

---Sets the encoding, whatever the document says. Only before the first chunk.
---@param name string
---@return Expat parser
function Expat:setencoding(name) end

---Sets whether names with a namespace end with the separator and their prefix. Only before the
---first chunk.
---@param on boolean
---@return Expat parser
function Expat:returnnstriplet(on) end

---Sets how much entities may amplify the input, at first 100.
---@param factor number
---@return Expat parser
function Expat:setblamaxamplification(factor) end

---Sets the size from which on the amplification is limited, at first 8 MiB.
---@param bytes number
---@return Expat parser
function Expat:setblathreshold(bytes) end
