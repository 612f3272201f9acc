-- lua-utf8: patterns, whose characters and classes are those of Unicode.
local byte_of_percent, byte_of_minus = ("%"):byte(), ("-"):byte()
local MAX_CAPTURES = 32
local has_class, char = natives.has_class, basic.char

-- The code points of a string, and the byte where each starts; the last one is after the end.
local function decode(s)
    local codes, starts, count = {}, {}, 0
    for start, code in basic.codes(s, true) do
        count = count + 1
        codes[count], starts[count] = code, start
    end
    starts[count + 1] = #s + 1
    return codes, starts, count
end

local Matcher = {}
Matcher.__index = Matcher

local function new_matcher(s, pattern)
    local codes, starts, count = decode(s)
    local items, _, last = decode(pattern)
    return setmetatable({
        s = s, codes = codes, starts = starts, count = count, pattern = items, last = last,
        level = 0, first = {}, length = {},
    }, Matcher)
end

-- Marks of captures that are not closed, and of positions.
local OPEN, POSITION = -1, -2

-- The end of a single item of the pattern.
function Matcher:item_end(p)
    local pattern = self.pattern
    local code = pattern[p]
    p = p + 1
    if code == byte_of_percent then
        if p > self.last then
            error("malformed pattern (ends with '%')", 0)
        end
        return p + 1
    elseif code == 91 then
        if pattern[p] == 94 then
            p = p + 1
        end
        repeat
            if p > self.last then
                error("malformed pattern (missing ']')", 0)
            end
            local inner = pattern[p]
            p = p + 1
            if inner == byte_of_percent then
                p = p + 1
            end
        until pattern[p] == 93
        return p + 1
    end
    return p
end

-- Whether a character belongs to a class, or is the escaped one.
local function is_class(code, letter)
    if letter < 128 then
        local found = has_class(code, char(letter))
        if found ~= nil then
            return found
        end
    end
    return code == letter
end

-- Whether a character is in the set from p to its bracket.
function Matcher:in_set(code, p, bracket)
    local pattern, found = self.pattern, true
    p = p + 1
    if pattern[p] == 94 then
        found, p = false, p + 1
    end
    while p < bracket do
        if pattern[p] == byte_of_percent then
            if is_class(code, pattern[p + 1]) then
                return found
            end
            p = p + 2
        elseif pattern[p + 1] == byte_of_minus and p + 2 < bracket then
            if pattern[p] <= code and code <= pattern[p + 2] then
                return found
            end
            p = p + 3
        else
            if pattern[p] == code then
                return found
            end
            p = p + 1
        end
    end
    return not found
end

-- Whether the character at i matches the item from p to stop.
function Matcher:matches(i, p, stop)
    local code = self.codes[i]
    if not code then
        return false
    end
    local item = self.pattern[p]
    if item == 46 then
        return true
    elseif item == byte_of_percent then
        return is_class(code, self.pattern[p + 1])
    elseif item == 91 then
        return self:in_set(code, p, stop - 1)
    end
    return item == code
end

-- The capture that a digit refers to.
function Matcher:captured(digit)
    local index = digit - 48
    if index < 1 or index > self.level or self.length[index] == OPEN then
        error("invalid capture index", 0)
    end
    return index
end

-- Matches the pattern from p on at character i. Returns the end, or nil.
function Matcher:match(i, p)
    local pattern, codes = self.pattern, self.codes
    while true do
        if p > self.last then
            return i
        end
        local item, next_item = pattern[p], pattern[p + 1]
        if item == 40 then
            local is_position = next_item == 41
            local level = self.level + 1
            if level > MAX_CAPTURES then
                error("too many captures", 0)
            end
            self.level, self.first[level] = level, i
            self.length[level] = is_position and POSITION or OPEN
            local stop = self:match(i, p + (is_position and 2 or 1))
            if not stop then
                self.level = level - 1
            end
            return stop
        elseif item == 41 then
            local open = self.level
            while open > 0 and self.length[open] ~= OPEN do
                open = open - 1
            end
            if open == 0 then
                error("invalid pattern capture", 0)
            end
            self.length[open] = i - self.first[open]
            local stop = self:match(i, p + 1)
            if not stop then
                self.length[open] = OPEN
            end
            return stop
        elseif item == 36 and p == self.last then
            return i == self.count + 1 and i or nil
        elseif item == byte_of_percent and next_item == 98 then
            local open, close = pattern[p + 2], pattern[p + 3]
            if not close then
                error("malformed pattern (missing arguments to '%b')", 0)
            end
            if codes[i] ~= open then
                return nil
            end
            local depth = 1
            repeat
                i = i + 1
                local code = codes[i]
                if not code then
                    return nil
                elseif code == close then
                    depth = depth - 1
                elseif code == open then
                    depth = depth + 1
                end
            until depth == 0
            i, p = i + 1, p + 4
        elseif item == byte_of_percent and next_item == 102 then
            p = p + 2
            if pattern[p] ~= 91 then
                error("missing '[' after '%f' in pattern", 0)
            end
            local stop = self:item_end(p)
            if self:in_set(codes[i - 1] or 0, p, stop - 1)
                or not self:in_set(codes[i] or 0, p, stop - 1) then
                return nil
            end
            p = stop
        elseif item == byte_of_percent and next_item and next_item >= 48 and next_item <= 57 then
            local index = self:captured(next_item)
            local first, length = self.first[index], self.length[index]
            for j = 0, length - 1 do
                if codes[first + j] ~= codes[i + j] then
                    return nil
                end
            end
            i, p = i + math.max(length, 0), p + 2
        else
            local stop = self:item_end(p)
            local suffix = pattern[stop]
            if suffix == 63 then
                if self:matches(i, p, stop) then
                    local found = self:match(i + 1, stop + 1)
                    if found then
                        return found
                    end
                end
                p = stop + 1
            elseif suffix == 42 or suffix == 43 then
                local most = i
                while self:matches(most, p, stop) do
                    most = most + 1
                end
                for at = most, suffix == 43 and i + 1 or i, -1 do
                    local found = self:match(at, stop + 1)
                    if found then
                        return found
                    end
                end
                return nil
            elseif suffix == 45 then
                while true do
                    local found = self:match(i, stop + 1)
                    if found then
                        return found
                    elseif not self:matches(i, p, stop) then
                        return nil
                    end
                    i = i + 1
                end
            elseif self:matches(i, p, stop) then
                i, p = i + 1, stop
            else
                return nil
            end
        end
    end
end

-- A part of the subject, in characters.
function Matcher:text(first, stop)
    return self.s:sub(self.starts[first], self.starts[stop] - 1)
end

-- The value of a capture; the whole match if there are none.
function Matcher:capture(index, first, stop)
    if index > self.level then
        if index > 1 then
            error("invalid capture index", 0)
        end
        return self:text(first, stop)
    end
    local length = self.length[index]
    if length == OPEN then
        error("unfinished capture", 0)
    elseif length == POSITION then
        return self.first[index]
    end
    return self:text(self.first[index], self.first[index] + length)
end

-- All captures; the whole match if there are none and it is wanted.
function Matcher:captures(first, stop, whole)
    local values, count = {}, self.level
    if count == 0 and whole then
        count = 1
    end
    for i = 1, count do
        values[i] = self:capture(i, first, stop)
    end
    return unpack(values, 1, count)
end
