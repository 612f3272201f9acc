-- compat53.module: a table of the libraries of Lua 5.3 as far as Lua 5.1 has not the same, on top
-- of the globals, which stay as they are.
local G = _G
local error, getmetatable, pairs, setmetatable, tostring, type =
    error, debug and debug.getmetatable or getmetatable, pairs, setmetatable, tostring, type
local select, unpack = select, unpack
local create, resume, running, status, yield = coroutine.create, coroutine.resume,
    coroutine.running, coroutine.status, coroutine.yield
local find, format, gmatch, gsub, match = string.find, string.format, string.gmatch, string.gsub,
    string.match

local module = {}
for _, name in ipairs { "coroutine", "debug", "io", "math", "os", "package", "string", "table" } do
    if type(G[name]) == "table" then
        module[name] = setmetatable({}, { __index = G[name] })
    end
end

local function copy_to(target, source)
    for name, value in pairs(source) do
        target[name] = value
    end
    return target
end

module.utf8 = copy_to({}, require "compat53.utf8")
package.loaded.utf8 = module.utf8
copy_to(module.table, require "compat53.table")
copy_to(module.string, require "compat53.string")

-- math: numbers are doubles, so that integers are those which a double represents exactly.
local MAX = 2 ^ 53
local function is_integer(x)
    return x >= -MAX and x <= MAX and x % 1 == 0
end

local function check_integer(x, index, name)
    if type(x) ~= "number" then
        error("bad argument #" .. index .. " to '" .. name .. "' (number expected, got "
            .. type(x) .. ")", 0)
    elseif not is_integer(x) then
        error("bad argument #" .. index .. " to '" .. name
            .. "' (number has no integer representation)", 0)
    end
    return x
end

module.math.maxinteger = MAX
module.math.mininteger = -MAX

function module.math.tointeger(x)
    if type(x) == "number" and is_integer(x) then
        return x
    end
    return nil
end

function module.math.type(x)
    if type(x) ~= "number" then
        return nil
    end
    return is_integer(x) and "integer" or "float"
end

function module.math.ult(m, n)
    check_integer(m, 1, "math.ult")
    check_integer(n, 2, "math.ult")
    if (m < 0) ~= (n < 0) then
        return m >= 0
    end
    return m < n
end

module.math.log = math.log

-- Basic functions.
function module.assert(...)
    local value, message = ...
    if value then
        return ...
    elseif select("#", ...) > 1 then
        error(message, 0)
    end
    error("assertion failed!", 0)
end

local function next_element(list, i)
    i = i + 1
    local value = list[i]
    if value ~= nil then
        return i, value
    end
end

local plain_ipairs, plain_pairs = ipairs, pairs
function module.ipairs(list)
    if getmetatable(list) == nil then
        return plain_ipairs(list)
    end
    return next_element, list, 0
end

function module.pairs(object)
    local meta = getmetatable(object)
    local of_object = type(meta) == "table" and meta.__pairs
    if of_object then
        local iterator, state, first = of_object(object)
        return iterator, state, first
    end
    return plain_pairs(object)
end

function module.rawlen(value)
    if type(value) ~= "table" and type(value) ~= "string" then
        error("bad argument #1 to 'rawlen' (table or string expected)", 2)
    end
    return #value
end

local load, loadfile, loadstring, open, xpcall = load, loadfile, loadstring, io.open, xpcall

local function check_mode(text, mode)
    local kind = text:sub(1, 1) == "\27" and "binary" or "text"
    if not mode:find(kind:sub(1, 1), 1, true) then
        return "attempt to load a " .. kind .. " chunk (mode is '" .. mode .. "')"
    end
end

local function in_environment(count, environment, chunk, message)
    if chunk and count > 0 then
        setfenv(chunk, environment)
    end
    return chunk, message
end

function module.load(chunk, name, mode, ...)
    if type(chunk) == "function" then
        local parts, part = {}, chunk()
        while part ~= nil and part ~= "" do
            if type(part) ~= "string" then
                return nil, "reader function must return a string"
            end
            parts[#parts + 1] = part
            part = chunk()
        end
        chunk, name = table.concat(parts), name or "=(load)"
    elseif type(chunk) ~= "string" then
        error("bad argument #1 to 'load' (function expected, got " .. type(chunk) .. ")", 2)
    end
    local refusal = mode and check_mode(chunk, mode)
    if refusal then
        return nil, refusal
    end
    return in_environment(select("#", ...), (...), loadstring(chunk, name or chunk))
end
module.loadstring = module.load

function module.loadfile(path, mode, ...)
    if mode and path then
        local file = open(path, "rb")
        if file then
            local start = file:read(1) or ""
            file:close()
            local refusal = check_mode(start, mode)
            if refusal then
                return nil, refusal
            end
        end
    end
    return in_environment(select("#", ...), (...), loadfile(path))
end

module.xpcall = xpcall

-- coroutine: the main program is a coroutine, too.
local main = create(function() end)

function module.coroutine.create(f)
    if type(f) ~= "function" then
        error("bad argument #1 (function expected)", 0)
    end
    return create(f)
end

function module.coroutine.running()
    local current = running()
    if current then
        return current, false
    end
    return main, true
end

function module.coroutine.resume(thread, ...)
    if thread == main then
        return false, "cannot resume non-suspended coroutine"
    end
    return resume(thread, ...)
end

function module.coroutine.status(thread)
    if thread == main then
        return running() and "normal" or "running"
    end
    return status(thread)
end

function module.coroutine.yield(...)
    if running() then
        return yield(...)
    end
    error("attempt to yield from outside a coroutine", 0)
end

-- debug
if module.debug then
    local getfenv, setfenv, set = debug.getfenv, debug.setfenv, debug.setmetatable

    function module.debug.setuservalue(object, value)
        if type(object) ~= "userdata" then
            error("bad argument #1 to 'setuservalue' (userdata expected, got " .. type(object)
                .. ")", 2)
        end
        return setfenv(object, value == nil and G or value)
    end

    function module.debug.getuservalue(object)
        local value = type(object) == "userdata" and getfenv(object) or nil
        if value ~= G and value ~= package then
            return value
        end
    end

    function module.debug.setmetatable(value, meta)
        set(value, meta)
        return value
    end
end

-- io: the asterisk of formats is optional.
local function with_asterisks(...)
    local formats, count = { ... }, select("#", ...)
    for i = 1, count do
        if type(formats[i]) == "string" and formats[i]:sub(1, 1) ~= "*" then
            formats[i] = "*" .. formats[i]
        end
    end
    return unpack(formats, 1, count)
end

local read, write, input, output = io.read, io.write, io.input, io.output

function module.io.read(...)
    return read(with_asterisks(...))
end

function module.io.write(...)
    local result, message, code = write(...)
    if result then
        return output()
    end
    return nil, message, code
end

-- The iterator of `lines` with formats.
local function lines(file, closes, ...)
    local formats, count = { ... }, select("#", ...)
    for i = 1, count do
        local given = formats[i]
        local kind = type(given) == "string" and given:match("^%*?([aln])")
        if not kind and type(given) ~= "number" then
            error("bad argument #" .. i + 1 .. " to 'for iterator' (invalid format)", 3)
        end
        formats[i] = kind and "*" .. kind or given
    end
    local function finish(first, ...)
        if first == nil then
            if closes then
                file:close()
            end
            if (...) ~= nil then
                error((...), 3)
            end
        end
        return first, ...
    end
    return function()
        return finish(file:read(unpack(formats, 1, count)))
    end
end

function module.io.lines(path, ...)
    if path == nil then
        return lines(input(), false, ...)
    end
    local file, message = open(path, "r")
    if not file then
        error(message, 2)
    end
    return lines(file, true, ...)
end

-- os
local execute = os.execute
function module.os.execute(command)
    local code, reason = execute(command)
    if command == nil then
        return code ~= 0
    elseif code < 0 then
        return nil, reason or "exit", code
    elseif code == 0 then
        return true, "exit", code
    elseif code > 0 and code % 256 ~= 0 then
        return nil, "signal", code % 128
    end
    return nil, "exit", code / 256
end

module.package.searchpath = package.searchpath

-- string: patterns may contain zeros, which Lua 5.1 writes as %z.
local function with_zeros(pattern)
    if type(pattern) == "string" and find(pattern, "\0", 1, true) then
        return (gsub(pattern, "%z", "%%z"))
    end
    return pattern
end

function module.string.find(s, pattern, init, plain)
    return find(s, plain and pattern or with_zeros(pattern), init, plain)
end

function module.string.gmatch(s, pattern)
    return gmatch(s, with_zeros(pattern))
end

function module.string.gsub(s, pattern, ...)
    return gsub(s, with_zeros(pattern), ...)
end

function module.string.match(s, pattern, ...)
    return match(s, with_zeros(pattern), ...)
end

module.string.rep = string.rep

-- format: `%s` calls `tostring`, and `%q` writes control characters as numbers.
local ESCAPES = { ["\n"] = "\\\n", ["\\"] = "\\\\", ["\""] = "\\\"" }
local function escape(byte, digit)
    local code = byte:byte()
    return (ESCAPES[byte] or format(digit == "" and "\\%d" or "\\%03d", code)) .. digit
end

function module.string.format(template, ...)
    local values, count = { ... }, select("#", ...)
    local index = 0
    template = gsub(template, "%%([%d%.%-%+%# ]*)([%a%%])", function(modifiers, kind)
        if kind == "%" then
            return nil
        end
        index = index + 1
        if kind == "s" and index <= count then
            values[index] = tostring(values[index])
        elseif kind == "q" and type(values[index]) == "string" then
            values[index] = '"' .. gsub(values[index], '([%z%c\\"])(%d?)', escape) .. '"'
            return "%" .. modifiers .. "s"
        end
    end)
    return format(template, unpack(values, 1, count))
end

return setmetatable(module, { __index = G, __newindex = G })
