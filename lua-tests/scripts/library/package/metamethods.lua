-- `require` reads and sets the fields of `package.loaded` as Lua code does; so does the first
-- loader with those of `package.preload`.
local events = {}
local function index(result)
    return function(_, key)
        events[#events + 1] = "index " .. key
        coroutine.yield("index")
        return result
    end
end
local function new_index(loaded, key, value)
    events[#events + 1] = "new index " .. key .. " " .. type(value)
    coroutine.yield("new index")
    rawset(loaded, key, value)
end
local function happened(text)
    assert(table.concat(events, "; ") == text, table.concat(events, "; "))
    events = {}
end

-- A module that an `__index` function knows.
setmetatable(package.loaded, { __index = index("known") })
assert(coroutine.wrap(function() return require "virtual" end)() == "index")
happened "index virtual"
local co = coroutine.wrap(function() return require "virtual" end)
assert(co() == "index" and co() == "known")
happened "index virtual"
assert(rawget(package.loaded, "virtual") == nil)
-- An `__index` table, and a chain of them.
setmetatable(package.loaded, { __index = setmetatable({ one = 1 }, { __index = { two = 2 } }) })
assert(require "one" == 1 and require "two" == 2)
-- An error.
setmetatable(package.loaded, { __index = function(_, key) error("no " .. key, 0) end })
local ok, message = pcall(require, "virtual")
assert(not ok and message == "no virtual")

-- Every step of loading a module.
setmetatable(package.loaded, { __index = index(), __newindex = new_index })
package.preload.returns = function() return "result" end
co = coroutine.wrap(function() return require "returns" end)
assert(co() == "index" and co() == "new index" and co() == "result")
happened "index returns; new index returns userdata"
assert(rawget(package.loaded, "returns") == "result")
package.preload.sets_nothing = function() end
co = coroutine.wrap(function() return require "sets_nothing" end)
assert(co() == "index" and co() == "new index" and co() == true)
happened "index sets_nothing; new index sets_nothing userdata"

-- What is stored elsewhere, and what is not stored.
local store = {}
setmetatable(package.loaded, { __index = store, __newindex = store })
assert(require "toml" == toml and rawget(package.loaded, "toml") == nil and store.toml == toml)
package.preload.stored = function(name) assert(type(store[name]) == "userdata") return 7 end
assert(require "stored" == 7 and store.stored == 7)
setmetatable(package.loaded, { __newindex = function() end })
package.preload.lost = function() return 7 end
assert(require "lost" == nil)
setmetatable(package.loaded, { __newindex = "text" })
package.preload.unlucky = function() return 7 end
ok, message = pcall(require, "unlucky")
assert(not ok and message:find("attempt to index a string value", 1, true), message)
local loop = {}
setmetatable(loop, { __newindex = loop })
setmetatable(package.loaded, { __newindex = loop })
ok, message = pcall(require, "unlucky")
assert(not ok and message:find("loop in settable", 1, true), message)
setmetatable(package.loaded, nil)

-- `package.preload`.
setmetatable(package.preload, {
    __index = function(_, key)
        coroutine.yield("index")
        if key == "made" then return function(name) return "made for " .. name end end
    end,
})
co = coroutine.wrap(function() return require "made" end)
assert(co() == "index" and co() == "made for made")
co = coroutine.wrap(function() return pcall(require, "not.made") end)
assert(co() == "index")
ok, message = co()
assert(not ok and message:find("\n\tno field package.preload['not.made']", 1, true), message)
