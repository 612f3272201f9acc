-- ltn12: filters, sources, sinks and pumps.
--
-- A source returns the next chunk, nil at the end, or nil and the reason of an error. A sink takes
-- a chunk, and nil at the end. A filter takes a chunk and returns its output: an empty string means
-- that it needs more, nil that it is at its end.
local ltn12 = { _VERSION = "LTN12 1.0.3", BLOCKSIZE = 2048 }
local filter, source, sink, pump = {}, {}, {}, {}
local unpack = unpack or table.unpack
ltn12.filter, ltn12.source, ltn12.sink, ltn12.pump = filter, source, sink, pump

local function check(value, message)
    if not value then error(message, 3) end
    return value
end

-- Filters.

function filter.cycle(low, context, extra)
    check(low, "bad argument #1 to 'cycle' (function expected)")
    return function(chunk)
        local output
        output, context = low(context, chunk, extra)
        return output
    end
end

local function no_nil()
    error("filter returned inappropriate nil", 4)
end

-- Asks a filter for the rest of its output: of the last chunk, or of everything at the end.
local function more(transform, at_end)
    if at_end then return transform(nil) end
    return transform("")
end

-- Two filters in sequence. After each output of the first, the second is asked until it has
-- nothing left.
local function chain2(first, second)
    local second_has_more, first_is_over = false, false
    return function(chunk)
        local is_asked = false
        while true do
            if second_has_more then
                local output = more(second, first_is_over)
                if output == nil and not first_is_over then no_nil() end
                if output ~= "" then return output end
                second_has_more = first_is_over
            else
                local middle
                if is_asked then middle = more(first, chunk == nil) else middle = first(chunk) end
                is_asked = true
                if middle == "" and chunk ~= nil then return "" end
                if middle == nil then
                    if chunk ~= nil then no_nil() end
                    first_is_over, second_has_more = true, true
                elseif middle ~= "" then
                    local output = second(middle)
                    if output == nil then no_nil() end
                    if output ~= "" then
                        second_has_more = true
                        return output
                    end
                end
            end
        end
    end
end

function filter.chain(...)
    local filters = { ... }
    local chained = filters[1]
    for i = 2, select("#", ...) do
        chained = chain2(chained, filters[i])
    end
    return chained
end

-- Sources.

local function nothing()
    return nil
end

function source.empty()
    return nothing
end

function source.error(reason)
    return function()
        return nil, reason
    end
end

function source.file(handle, reason)
    if not handle then return source.error(reason or "unable to open file") end
    return function()
        local chunk = handle:read(ltn12.BLOCKSIZE)
        if not chunk then handle:close() end
        return chunk
    end
end

-- A source that may return another source, which takes its place.
function source.simplify(complex)
    check(complex, "bad argument #1 to 'simplify' (source expected)")
    local current = complex
    return function()
        local chunk, next_or_reason = current()
        current = type(next_or_reason) == "function" and next_or_reason or current
        if chunk == nil then return nil, next_or_reason end
        return chunk
    end
end

function source.string(text)
    if not text then return nothing end
    local at = 1
    return function()
        local chunk = string.sub(text, at, at + ltn12.BLOCKSIZE - 1)
        at = at + ltn12.BLOCKSIZE
        if chunk == "" then return nil end
        return chunk
    end
end

function source.table(chunks)
    check(type(chunks) == "table", "bad argument #1 to 'table' (table expected)")
    local at = 0
    return function()
        at = at + 1
        return chunks[at]
    end
end

-- A source to which chunks can be given back.
function source.rewind(inner)
    check(inner, "bad argument #1 to 'rewind' (source expected)")
    local returned = {}
    return function(chunk)
        if chunk ~= nil then
            returned[#returned + 1] = chunk
            return nil
        end
        local last = table.remove(returned)
        if last ~= nil then return last end
        return inner()
    end
end

-- A source through a filter, which may have more output than input.
local function filtered(inner, transform)
    local has_more, at_end, is_over = false, false, false
    return function()
        if is_over then error("source is empty!", 2) end
        while true do
            local output
            if has_more or at_end then
                output = more(transform, at_end)
            else
                local chunk, reason = inner()
                if reason then return nil, reason end
                at_end = chunk == nil
                output = transform(chunk)
            end
            if output == nil then
                if not at_end then no_nil() end
                is_over = true
                return nil
            end
            has_more = output ~= ""
            if has_more then return output end
        end
    end
end

function source.chain(inner, ...)
    check(inner and (...), "bad argument #1 to 'chain' (source and filter expected)")
    return filtered(inner, filter.chain(...))
end

function source.cat(...)
    local sources = { ... }
    local at = 1
    return function()
        while sources[at] do
            local chunk, reason = sources[at]()
            if chunk ~= nil or reason then return chunk, reason end
            at = at + 1
        end
        return nil
    end
end

-- Sinks.

function sink.table(chunks)
    chunks = chunks or {}
    local function store(chunk)
        if chunk ~= nil then chunks[#chunks + 1] = chunk end
        return 1
    end
    return store, chunks
end

-- A sink that may return another sink, which takes its place.
function sink.simplify(complex)
    check(complex, "bad argument #1 to 'simplify' (sink expected)")
    local current = complex
    return function(chunk, reason)
        local ok, next_or_reason = current(chunk, reason)
        if not ok then return nil, next_or_reason end
        current = next_or_reason or current
        return 1
    end
end

local function discard()
    return 1
end

function sink.null()
    return discard
end

function sink.error(reason)
    return function()
        return nil, reason
    end
end

function sink.file(handle, reason)
    if not handle then return sink.error(reason or "unable to open file") end
    return function(chunk)
        if chunk == nil then
            handle:close()
            return 1
        end
        return handle:write(chunk)
    end
end

-- A sink behind a filter, which may have more output than input.
local function behind(transform, inner)
    return function(chunk, reason)
        if chunk == "" then return 1 end
        local output = transform(chunk)
        while true do
            if output == "" and chunk ~= nil then return 1 end
            if output == nil and chunk ~= nil then no_nil() end
            if output ~= "" then
                local ok, why = inner(output, reason)
                if not ok then return nil, why end
            end
            if output == nil then return 1 end
            output = more(transform, chunk == nil)
        end
    end
end

function sink.chain(...)
    local parts = { ... }
    local count = select("#", ...)
    check(count >= 2, "bad argument #1 to 'chain' (filter and sink expected)")
    local last = parts[count]
    return behind(filter.chain(unpack(parts, 1, count - 1)), last)
end

-- Pumps.

function pump.step(from, to)
    local chunk, reason = from()
    local ok, why = to(chunk, reason)
    if chunk and ok then return 1 end
    return nil, reason or why
end

function pump.all(from, to, step)
    check(from and to, "bad argument #1 to 'all' (source and sink expected)")
    step = step or pump.step
    while true do
        local ok, reason = step(from, to)
        if not ok then
            if reason then return nil, reason end
            return 1
        end
    end
end

return ltn12
