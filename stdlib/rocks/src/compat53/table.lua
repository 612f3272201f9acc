-- compat53.table: the functions of `table` as in Lua 5.3, which respect metamethods.
-- A copy: a program may put the functions of this module into the global table.
local raw = {}
for name, value in pairs(table) do raw[name] = value end
local getmetatable = debug and debug.getmetatable or getmetatable
local error, select, type, unpack = error, select, type, unpack
local tostring, floor = tostring, math.floor

local library = {}

-- Whether access to the table cannot run a metamethod.
local function is_plain(list)
    if type(list) ~= "table" then
        return false
    end
    local meta = getmetatable(list)
    return meta == nil or not (meta.__index or meta.__newindex or meta.__len)
end

-- The error for an argument of the function that is `level` calls up.
local function wrong(index, name, text, level)
    error("bad argument #" .. index .. " to '" .. name .. "' (" .. text .. ")", (level or 1) + 2)
end

-- The length with `__len`, which Lua 5.1 ignores for tables.
local function length(list, name)
    local meta = getmetatable(list)
    local len = type(meta) == "table" and meta.__len
    if len then
        local n = len(list)
        if type(n) ~= "number" or n ~= floor(n) then
            error("object length is not an integer", 3)
        end
        return n
    elseif type(list) ~= "table" then
        wrong(1, name, "table expected, got " .. (list == nil and "no value" or type(list)), 2)
    end
    return #list
end

local function integer(value, index, name, default)
    if value == nil and default then
        return default
    end
    local number = type(value) == "string" and tonumber(value) or value
    if type(number) ~= "number" then
        local got = value == nil and "no value" or type(value)
        wrong(index, name, "number expected, got " .. got, 2)
    end
    return number >= 0 and floor(number) or -floor(-number)
end

function library.concat(list, separator, first, last)
    if is_plain(list) then
        return raw.concat(list, separator, first, last)
    end
    last = integer(last, 4, "concat", length(list, "concat"))
    first = integer(first, 3, "concat", 1)
    local parts = {}
    for i = first, last do
        local value = list[i]
        if type(value) ~= "string" and type(value) ~= "number" then
            error("invalid value (at index " .. tostring(i) .. ") in table for 'concat'", 2)
        end
        parts[#parts + 1] = value
    end
    return raw.concat(parts, separator)
end

function library.insert(list, ...)
    local count = select("#", ...)
    if count == 1 and is_plain(list) then
        return raw.insert(list, ...)
    end
    local last = length(list, "insert") + 1
    if count == 1 then
        list[last] = (...)
    elseif count == 2 then
        local position, value = ...
        position = integer(position, 2, "insert")
        if position < 1 or position > last then
            wrong(2, "insert", "position out of bounds")
        end
        if is_plain(list) then
            return raw.insert(list, position, value)
        end
        for i = last, position + 1, -1 do
            list[i] = list[i - 1]
        end
        list[position] = value
    else
        error("wrong number of arguments to 'insert'", 2)
    end
end

function library.remove(list, ...)
    local last = length(list, "remove")
    local position = integer((...), 2, "remove", last)
    if select("#", ...) > 0 and (position < 1 or position > last + 1) and last + 1 ~= position
        and not (last == 0 and position == 0) then
        wrong(1, "remove", "position out of bounds")
    end
    if position >= 1 and position <= last and is_plain(list) then
        return raw.remove(list, position)
    end
    local removed = list[position]
    while position < last do
        list[position] = list[position + 1]
        position = position + 1
    end
    list[position] = nil
    return removed
end

function library.move(from, first, last, target, to)
    to = to or from
    first = integer(first, 2, "move")
    last = integer(last, 3, "move")
    target = integer(target, 4, "move")
    if last >= first then
        if target > last or target <= first or to ~= from then
            for i = 0, last - first do
                to[target + i] = from[first + i]
            end
        else
            for i = last - first, 0, -1 do
                to[target + i] = from[first + i]
            end
        end
    end
    return to
end

function library.pack(...)
    return { n = select("#", ...), ... }
end

function library.unpack(list, first, last)
    if is_plain(list) then
        return unpack(list, first, last)
    end
    first = integer(first, 2, "unpack", 1)
    last = integer(last, 3, "unpack", type(list) == "table" and length(list, "unpack") or nil)
    if last - first >= 60000 then
        error("too many results to unpack", 2)
    end
    local copy, count = {}, 0
    for i = first, last do
        count = count + 1
        copy[count] = list[i]
    end
    return unpack(copy, 1, count)
end

function library.sort(list, less)
    if is_plain(list) then
        return raw.sort(list, less)
    end
    local count = length(list, "sort")
    if count > 1 then
        if less ~= nil and type(less) ~= "function" then
            wrong(2, "sort", "function expected, got " .. type(less))
        end
        local copy = {}
        for i = 1, count do
            copy[i] = list[i]
        end
        raw.sort(copy, less)
        for i = 1, count do
            list[i] = copy[i]
        end
    end
end

return library
