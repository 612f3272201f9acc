-- lua-utf8: searches with patterns.

-- Starts a search: the matcher, the first item of the pattern, whether it is anchored.
local function search(s, pattern)
    local matcher = new_matcher(s, pattern)
    local is_anchored = matcher.pattern[1] == 94
    return matcher, is_anchored and 2 or 1, is_anchored
end

-- The first character where a search starts; nil after the end.
local function start_of(init, count)
    init = init or 1
    if init < 0 then
        init = math.max(count + init + 1, 1)
    elseif init == 0 then
        init = 1
    end
    return init <= count + 1 and init or nil
end

-- The first match at i or later.
local function find_match(matcher, i, p, is_anchored)
    for at = i, is_anchored and i or matcher.count + 1 do
        matcher.level = 0
        local stop = matcher:match(at, p)
        if stop then
            return at, stop
        end
    end
end

-- Errors of patterns have the position of the call.
local function protected(f, ...)
    local function finish(ok, ...)
        if not ok then
            local message = ...
            error(message, type(message) == "string" and 3 or 0)
        end
        return ...
    end
    return finish(pcall(f, ...))
end

local function find(s, pattern, init, plain)
    if plain or not pattern:find "[%^%$%*%+%?%.%(%[%%%-]" then
        local count = length(s)
        local i = start_of(init, count)
        if not i then
            return nil
        end
        local first, last = s:find(pattern, byte_of(s, i), true)
        if not first then
            return nil
        end
        local before = length(s:sub(1, first - 1))
        return before + 1, before + length(s:sub(first, last))
    end
    local matcher, p, is_anchored = search(s, pattern)
    local i = start_of(init, matcher.count)
    local first, stop = i, nil
    if i then
        first, stop = find_match(matcher, i, p, is_anchored)
    end
    if not stop then
        return nil
    end
    return first, stop - 1, matcher:captures(first, stop, false)
end

function module.find(s, pattern, init, plain)
    s, pattern = check_text(s, 1, "find"), check_string(pattern, 2, "find")
    return protected(find, s, pattern, init, plain)
end

local function match(s, pattern, init)
    local matcher, p, is_anchored = search(s, pattern)
    local i = start_of(init, matcher.count)
    if not i then
        return nil
    end
    local first, stop = find_match(matcher, i, p, is_anchored)
    if not first then
        return nil
    end
    return matcher:captures(first, stop, true)
end

function module.match(s, pattern, init)
    s, pattern = check_text(s, 1, "match"), check_string(pattern, 2, "match")
    return protected(match, s, pattern, init)
end

function module.gmatch(s, pattern)
    s, pattern = check_text(s, 1, "gmatch"), check_string(pattern, 2, "gmatch")
    local matcher = new_matcher(s, pattern)
    local i, last_end = 1, nil
    local function step()
        while i <= matcher.count + 1 do
            matcher.level = 0
            local stop = matcher:match(i, 1)
            if stop and stop ~= last_end then
                local first = i
                i, last_end = stop, stop
                return matcher:captures(first, stop, true)
            end
            i = i + 1
        end
        return nil
    end
    return function()
        return protected(step)
    end
end

-- What a match is replaced with.
local function replacement(matcher, first, stop, by)
    local kind, value = type(by), nil
    if kind == "string" or kind == "number" then
        local whole = matcher:text(first, stop)
        value = tostring(by):gsub("%%(.?)", function(letter)
            if letter == "0" then
                return whole
            elseif letter:find "%d" then
                return tostring(matcher:capture(tonumber(letter), first, stop))
            elseif letter == "%" then
                return "%"
            end
            error("invalid use of '%' in replacement string", 0)
        end)
        return value
    elseif kind == "table" then
        value = by[matcher:capture(1, first, stop)]
    else
        value = by(matcher:captures(first, stop, true))
    end
    if not value then
        return matcher:text(first, stop)
    elseif type(value) ~= "string" and type(value) ~= "number" then
        error("invalid replacement value (a " .. type(value) .. ")", 0)
    end
    return value
end

local function substitute(s, pattern, by, most)
    local matcher, p, is_anchored = search(s, pattern)
    local parts, count, i, last_end = {}, 0, 1, nil
    while count < most do
        matcher.level = 0
        local stop = matcher:match(i, p)
        if stop and stop ~= last_end then
            count = count + 1
            parts[#parts + 1] = replacement(matcher, i, stop, by)
            i, last_end = stop, stop
        elseif i <= matcher.count then
            parts[#parts + 1] = matcher:text(i, i + 1)
            i = i + 1
        else
            break
        end
        if is_anchored then
            break
        end
    end
    if i <= matcher.count then
        parts[#parts + 1] = matcher:text(i, matcher.count + 1)
    end
    return table.concat(parts), count
end

function module.gsub(s, pattern, by, most)
    s, pattern = check_text(s, 1, "gsub"), check_string(pattern, 2, "gsub")
    local kind = type(by)
    if kind ~= "string" and kind ~= "number" and kind ~= "table" and kind ~= "function" then
        error("bad argument #3 to 'gsub' (string/function/table expected, got "
            .. (by == nil and "no value" or kind) .. ")", 2)
    end
    return protected(substitute, s, pattern, by, most or 1 / 0)
end

return module
