---@meta

---Parts of URLs, and relative URLs, with the interface of LuaSocket's module. Load it with `require
---"socket.url"`.
---
---```lua
---local url = require "socket.url"
---local parsed = url.parse("http://user@host:8080/path?query#part")
---assert(parsed.host == "host" and parsed.port == "8080" and parsed.path == "/path")
---assert(url.build(parsed) == "http://user@host:8080/path?query#part")
---assert(url.absolute("http://host/a/b", "../c") == "http://host/c")
---```
---@class socket.url
socket.url = {}

---Escapes all but letters, digits and underscores.
---@param text string
---@return string
function socket.url.escape(text) end

---Replaces escapes by what they represent.
---@param text string
---@return string
function socket.url.unescape(text) end

---The parts of a URL: `scheme`, `authority`, `userinfo`, `user`, `password`, `host`, `port`,
---`path`,
---`params`, `query`, `fragment`. Missing ones are taken from `default`.
---@param url string
---@param default? table
---@return table? parsed
---@return string? reason
function socket.url.parse(url, default) end

---The URL with these parts.
---@param parsed table
---@return string
function socket.url.build(parsed) end

---The URL that a relative one denotes.
---@param base string|table
---@param relative string
---@return string
function socket.url.absolute(base, relative) end

---The segments of a path without escapes, with `is_absolute` and `is_directory`.
---@param path string
---@return table
function socket.url.parse_path(path) end

---The path with these segments, which are escaped unless they are already.
---@param segments table
---@param is_escaped? boolean
---@return string
function socket.url.build_path(segments, is_escaped) end
