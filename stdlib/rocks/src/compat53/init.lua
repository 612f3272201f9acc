-- compat53: writes what `compat53.module` has into the globals.
local module = require "compat53.module"
local pairs, select, type, unpack = pairs, select, type, unpack

-- The methods of files.
local files = (debug and debug.getmetatable or getmetatable)(io.stdout)
local methods = type(files) == "table" and files.__index
if type(methods) == "table" then
    local read, write, is_file = methods.read, methods.write, io.type

    local function with_asterisks(...)
        local formats, count = { ... }, select("#", ...)
        for i = 1, count do
            if type(formats[i]) == "string" and formats[i]:sub(1, 1) ~= "*" then
                formats[i] = "*" .. formats[i]
            end
        end
        return unpack(formats, 1, count)
    end

    function methods.read(file, ...)
        return read(file, with_asterisks(...))
    end

    function methods.write(file, ...)
        local result, message, code = write(file, ...)
        if result then
            return file
        end
        return nil, message, code
    end

    function methods.lines(file, ...)
        if is_file(file) == "closed file" then
            error("attempt to use a closed file", 2)
        end
        local formats, count = { ... }, select("#", ...)
        for i = 1, count do
            local given = formats[i]
            local kind = type(given) == "string" and given:match("^%*?([aln])")
            if not kind and type(given) ~= "number" then
                error("bad argument #" .. i + 1 .. " to 'for iterator' (invalid format)", 2)
            end
            formats[i] = kind and "*" .. kind or given
        end
        return function()
            return read(file, unpack(formats, 1, count))
        end
    end
end

-- Loaders are called searchers since Lua 5.2.
if package.searchers == nil then
    package.searchers = package.loaders
end

local function extend(target, source)
    for name, value in pairs(source) do
        if type(value) == "table" and type(target[name]) == "table" and value ~= target[name] then
            extend(target[name], value)
        else
            target[name] = value
        end
    end
end

extend(_G, module)
return true
