-- require, module and package: searching, loading once, loops, messages, suspension.
local function fails(text, f, ...)
    local ok, message = pcall(f, ...)
    assert(not ok and tostring(message):find(text, 1, true), tostring(message))
    return message
end

local folder = arg[0]:match("^(.*)require%.lua$")
package.path = folder .. "?.module"
package.cpath = folder .. "?.none"

-- The loaded modules. SolVM's own are not among them, so that a program's files win.
for _, name in ipairs { "package", "string", "table", "math", "coroutine" } do
    assert(package.loaded[name] == _G[name] and require(name) == _G[name])
end
assert(package.loaded._G == _G)
assert(package.loaded.json == nil and package.loaded.text == nil)
local json = json
_G.json = nil
assert(require "json" == json and package.loaded.json == json and require "solvm.json" == json)
assert(package.loaded["solvm.json"] == json and _G.json == nil)
package.loaded.json = "mine"
assert(require "json" == "mine" and require "solvm.json" == json)
package.preload.text = function() return "from preload" end
assert(require "text" == "from preload" and require "solvm.text" == text)
assert(require "solvm.bit" == bit and require "lfs" == require "solvm.lfs")
fails("module 'solvm.string' not found", require, "solvm.string")
-- Functions that are globals are modules by their long names only.
assert(require "solvm.files".read_file ~= nil)
fails("module 'files' not found", require, "files")
fails("module 'solvm.none' not found", require, "solvm.none")

-- A module of SolVM's that was removed is made again, as the function of a C module would; a
-- library of Lua 5.1 is not, as in PUC Lua.
for _, name in ipairs { "lfs", "toml", "bit", "utf8" } do
    local first = require(name)
    first.is_first = true
    package.loaded[name] = nil
    local second = require(name)
    assert(second ~= first and second.is_first == nil, name)
    for field, value in pairs(second) do assert(type(value) == type(first[field]), field) end
    assert(require(name) == second and require("solvm." .. name) ~= nil)
    first.is_first = nil
end
package.loaded.string = nil
fails("module 'string' not found", require, "string")
package.loaded.string = string

-- The search and its message.
local message = fails("module 'no.such' not found:", require, "no.such")
assert(message == "module 'no.such' not found:\n\tno field package.preload['no.such']\n\tno file '"
    .. folder .. "no/such.module'\n\tno file '" .. folder .. "no/such.lua'\n\tno file '"
    .. folder .. "no/such/init.lua'\n\tno file '" .. folder .. "no/such.none'\n\tno file '"
    .. folder .. "no.none'", message)
fails("error loading module 'broken' from file '" .. folder .. "broken.module':\n\t", require,
    "broken")
fails("broken.module:1: unexpected symbol near ')'", require, "broken")
assert(package.searchpath("broken", package.path) == folder .. "broken.module")
assert(package.searchpath("a-b", "x/?;y?", "-", "+") == nil)
local _, tried = package.searchpath("a.b", "x/?;;y?")
assert(tried == "\n\tno file 'x/a/b'\n\tno file 'ya/b'")

-- A module's chunk may be suspended, runs once and gets its name.
local thread = coroutine.create(function() return require "yielding" end)
local ok, value = coroutine.resume(thread)
assert(ok and value == "half way")
fails("loop or previous error loading module 'yielding'", require, "yielding")
ok, value = coroutine.resume(thread)
assert(ok and value.name == "yielding" and require "yielding" == value
    and package.loaded.yielding == value)

-- A module's value is its function's result, or the value that it sets, or true.
package.preload.nothing = function(name) assert(name == "nothing") end
assert(require "nothing" == true and package.loaded.nothing == true)
package.preload.sets = function(name) package.loaded[name] = "set" end
assert(require "sets" == "set")
package.preload.is_false = function() return false end
assert(require "is_false" == false)
package.preload.fails = function() error("at first", 0) end
fails("at first", require, "fails")
fails("loop or previous error loading module 'fails'", require, "fails")
package.loaded.fails = nil
package.preload.fails = function() return "at last" end
assert(require "fails" == "at last")
package.preload.itself = function() require "itself" end
fails("loop or previous error loading module 'itself'", require, "itself")

-- Loaders.
assert(#package.loaders == 4)
package.loaders[5] = function(name)
    return name == "fifth" and function(...) return { ... } end or "\n\tnot by the fifth"
end
assert(require "fifth"[1] == "fifth")
fails("\n\tnot by the fifth", require, "no.such")

-- C modules are not loaded: the message says so, and names them.
package.cpath = folder .. "?.module"
package.path = "?.none"
message = fails("\n\tno C module 'broken', since SolVM does not load them (found '" .. folder
    .. "broken.module')", require, "broken")
fails("no C module 'broken.inner', since SolVM does not load them (found", require, "broken.inner")
package.cpath = ""
message = fails("\n\tno C module 'no.such', since SolVM does not load them", require, "no.such")
assert(select(2, message:gsub("no C module", "")) == 1, message)
local library, why, where = package.loadlib("x.so", "f")
assert(library == nil and why == "C modules are not supported" and where == "absent")

-- module.
local globals = _G
local function outer()
    module("some.where.inner", package.seeall)
    variable = 1
    assert(_NAME == "some.where.inner" and _PACKAGE == "some.where."
        and _M == globals.some.where.inner and print == globals.print)
end
outer()
assert(some.where.inner.variable == 1 and variable == nil
    and require "some.where.inner" == some.where.inner)
fails("name conflict for module 'some.where.inner.variable'", function()
    module("some.where.inner.variable")
end)
fails("'module' not called from a Lua function", module, "other")
local options = {}
local resume = coroutine.wrap(function()
    module("optional", function(m) options[1] = m coroutine.yield(1) end,
        function(m) options[2] = m end)
    return 2
end)
assert(resume() == 1 and resume() == 2 and options[1] == optional and options[2] == optional)

-- The globals `package` and `require` are only names.
local require, package = require, package
globals.package = nil
package.path = folder .. "?.module"
package.loaded.broken = nil
fails("unexpected symbol", require, "broken")
package.path = nil
fails("'package.path' must be a string", require, "broken")
package.preload = nil
fails("'package.preload' must be a table", require, "broken")
package.loaders = nil
fails("'package.loaders' must be a table", require, "broken")
