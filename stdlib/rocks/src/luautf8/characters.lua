-- lua-utf8: characters, without patterns. Positions count characters unless they are called bytes.
local _, natives = ...
local basic = natives.utf8
local module = {
    char = basic.char, codepoint = basic.codepoint, codes = basic.codes, len = basic.len,
    charpattern = basic.charpattern,
}

-- As in luautf8, the character before the first byte is found from there by default.
function module.offset(s, n, at)
    return basic.offset(s, n, at == nil and n == 0 and 1 or at)
end

local function check_string(value, index, name)
    if type(value) == "number" then
        return tostring(value)
    elseif type(value) ~= "string" then
        error("bad argument #" .. index .. " to '" .. name .. "' (string expected, got "
            .. (value == nil and "no value" or type(value)) .. ")", 3)
    end
    return value
end

-- The number of characters, whatever is valid.
local function length(s)
    local count, at = 0, 1
    while at <= #s do
        at = basic.offset(s, 2, at) or #s + 1
        count = count + 1
    end
    return count
end

-- Bytes that continue nothing would stop `offset`.
local function starts_badly(s)
    local first = s:byte()
    return first and first >= 128 and first < 192
end

local function check_text(s, index, name)
    s = check_string(s, index, name)
    if starts_badly(s) then
        error("invalid UTF-8 code", 3)
    end
    return s
end

-- The bounds of a range in characters, from 1 to the length.
local function range(s, first, last)
    local count = length(s)
    if first < 0 then
        first = math.max(count + first + 1, 1)
    elseif first == 0 then
        first = 1
    end
    if last < 0 then
        last = count + last + 1
    elseif last > count then
        last = count
    end
    return first, last, count
end

-- The first byte of a character; one after the end is allowed.
local function byte_of(s, position)
    return basic.offset(s, position) or #s + 1
end

function module.sub(s, first, last)
    s = check_text(s, 1, "sub")
    first, last = range(s, first or 1, last or -1)
    if first > last then
        return ""
    end
    return s:sub(byte_of(s, first), byte_of(s, last + 1) - 1)
end

function module.byte(s, first, last)
    s = check_text(s, 1, "byte")
    first = first or 1
    local count
    first, last, count = range(s, first, last or first)
    if first > last or first > count then
        return
    end
    return basic.codepoint(s, byte_of(s, first), byte_of(s, last), true)
end

-- The order of characters is reversed; unless `lax`, marks stay behind their character.
function module.reverse(s, lax)
    s = check_string(s, 1, "reverse")
    local parts, count = {}, 0
    for _, code in basic.codes(s, lax) do
        local character = basic.char(code)
        local is_mark = not lax and count > 0 and code >= 768 and natives.width(code) == 0
        if is_mark then
            parts[count] = parts[count] .. character
        else
            count = count + 1
            parts[count] = character
        end
    end
    for i = 1, math.floor(count / 2) do
        parts[i], parts[count - i + 1] = parts[count - i + 1], parts[i]
    end
    return table.concat(parts)
end

-- Long strings are mapped in parts.
local function mapping(kind)
    module[kind] = function(s)
        if type(s) == "number" then
            return natives.map_code(kind, s)
        end
        s = check_string(s, 1, kind)
        local parts, at = {}, 1
        while at <= #s do
            local stop = math.min(at + 4095, #s)
            while stop < #s and s:byte(stop + 1) >= 128 and s:byte(stop + 1) < 192
                and stop < at + 4104 do
                stop = stop + 1
            end
            parts[#parts + 1] = natives.map(kind, s:sub(at, stop))
            at = stop + 1
        end
        return table.concat(parts)
    end
end
mapping "lower"
mapping "upper"
mapping "title"
mapping "fold"

-- Compares without regard to case: -1, 0 or 1.
function module.ncasecmp(a, b)
    a = module.fold(check_string(a, 1, "ncasecmp"))
    b = module.fold(check_string(b, 2, "ncasecmp"))
    return a == b and 0 or a < b and -1 or 1
end

-- Inserts a string before a character, by default at the end.
function module.insert(s, position, text)
    s = check_text(s, 1, "insert")
    if text == nil then
        position, text = nil, position
    end
    text = check_string(text, text == nil and 2 or 3, "insert")
    local count = length(s)
    if position == nil or position == 0 then
        position = count + 1
    elseif position < 0 then
        position = math.max(count + position + 1, 1)
    end
    local at = byte_of(s, math.min(position, count + 1))
    return s:sub(1, at - 1) .. text .. s:sub(at)
end

-- Removes characters, by default the last one.
function module.remove(s, first, last)
    s = check_text(s, 1, "remove")
    first, last = range(s, first or -1, last or -1)
    if first > last then
        return s
    end
    return s:sub(1, byte_of(s, first) - 1) .. s:sub(byte_of(s, last + 1))
end

-- The first byte of the n-th character after a byte, and its code point.
local function move(s, at, n)
    while n >= 0 and at > 1 and s:byte(at) and s:byte(at) >= 128 and s:byte(at) < 192 do
        at = at - 1
    end
    local step = n >= 0 and 1 or -1
    for _ = 1, math.abs(n) do
        if step > 0 and at > #s or step < 0 and at <= 1 then
            return nil
        end
        repeat
            at = at + step
            local byte = s:byte(at)
        until not byte or byte < 128 or byte >= 192
        if at < 1 then
            return nil
        end
    end
    if at > #s or at < 1 then
        return nil
    end
    return at, (basic.codepoint(s, at, at, true))
end

function module.charpos(s, at, n)
    s = check_string(s, 1, "charpos")
    if n == nil then
        at = at or 1
        if at >= 0 then
            return move(s, 1, math.max(at - 1, 0))
        end
        return move(s, #s + 1, at)
    end
    return move(s, at < 0 and #s + at + 1 or at, n)
end

-- The iterator of a generic `for`, or the n-th character after a byte.
function module.next(s, at, n)
    s = check_string(s, 1, "next")
    if at == nil then
        return move(s, 1, 0)
    end
    return move(s, at < 0 and #s + at + 1 or at, n or 1)
end

-- Characters by numbers: %123 %u{123} %xABC %x{ABC}; % before another character is left out.
function module.escape(s)
    s = check_string(s, 1, "escape")
    local function number(digits, base)
        local bad = digits:match(base == 10 and "%D" or "%X")
        if bad then
            error("invalid escape '" .. bad .. "'", 0)
        end
        return basic.char(tonumber(digits, base))
    end
    local parts, at = {}, 1
    while true do
        local start = s:find("%", at, true)
        if not start then
            parts[#parts + 1] = s:sub(at)
            return table.concat(parts)
        end
        parts[#parts + 1] = s:sub(at, start - 1)
        local kind, digits, after = s:match("^([uUxX]?){(.-)}()", start + 1)
        if not digits then
            kind, digits, after = s:match("^([xX])(%x+)()", start + 1)
        end
        if not digits then
            kind, digits, after = s:match("^([uU]?)(%d+)()", start + 1)
        end
        if digits then
            parts[#parts + 1] = number(digits, kind:lower() == "x" and 16 or 10)
            at = after
        else
            parts[#parts + 1] = s:sub(start + 1, start + 1)
            at = start + 2
        end
    end
end

-- The columns of a string, from one byte to another, or of a code point.
function module.width(s, first, last, ambiguous, default)
    if type(s) == "number" then
        return natives.width(s) or (type(last) == "number" and last) or 0
    end
    s = check_string(s, 1, "width")
    first, last = first or 1, last or -1
    if first < 0 then
        first = math.max(#s + first + 1, 1)
    end
    if last < 0 then
        last = #s + last + 1
    end
    local columns = 0
    for _, code in basic.codes(s:sub(first, last), true) do
        columns = columns + (natives.width(code) or default or 0)
    end
    return columns
end

-- The byte where the first invalid sequence starts.
function module.invalidoffset(s, from)
    s = check_string(s, 1, "invalidoffset")
    from = from or 1
    if from < 0 then
        from = math.max(#s + from + 1, 1)
    end
    if from > #s then
        return nil
    end
    local _, invalid = basic.len(s, from)
    return invalid
end

function module.isvalid(s)
    return module.invalidoffset(s) == nil
end

-- Replaces what is invalid; also returns whether all was valid.
function module.clean(s, replacement)
    s = check_string(s, 1, "clean")
    replacement = replacement or "\239\191\189"
    local parts, at, was_valid = {}, 1, true
    while true do
        local invalid = module.invalidoffset(s, at)
        if not invalid then
            parts[#parts + 1] = s:sub(at)
            return table.concat(parts), was_valid
        end
        was_valid = false
        parts[#parts + 1] = s:sub(at, invalid - 1)
        parts[#parts + 1] = replacement
        at = invalid + 1
        -- A run of invalid bytes is replaced once.
        while at <= #s and module.invalidoffset(s, at) == at do
            at = at + 1
        end
    end
end
