-- lxp.totable: documents as tables. Number 0 of an element is its name, its attributes are fields,
-- its texts and elements follow from 1 on.
local lxp = require "lxp"

local totable = {}

function totable.parse(input, options)
    options = options or {}
    local stack = { {} }
    local callbacks = {}
    function callbacks.StartElement(_, tag, attributes)
        local element = { [0] = tag }
        for i = 1, #attributes do
            element[attributes[i]] = attributes[attributes[i]]
        end
        stack[#stack + 1] = element
    end
    function callbacks.EndElement()
        local element = table.remove(stack)
        table.insert(stack[#stack], element)
    end
    function callbacks.CharacterData(_, text)
        local element = stack[#stack]
        local last = #element
        if last > 0 and type(element[last]) == "string" then
            element[last] = element[last] .. text
        else
            element[last + 1] = text
        end
    end
    local parser = lxp.new(callbacks, options.separator)

    local next_part
    if type(input) == "string" then
        local is_read = false
        next_part = function()
            local part = not is_read and input or nil
            is_read = true
            return part
        end
    elseif type(input) == "table" then
        local i = 0
        next_part = function()
            i = i + 1
            return input[i]
        end
    elseif type(input) == "function" then
        next_part = input
    elseif type(input) == "userdata" and input.read then
        next_part = function()
            return input:read(16384)
        end
    else
        error("Bad argument #1 to parse: expected a string, a table, a function or a file, but got "
            .. type(input), 2)
    end

    local part
    repeat
        part = next_part()
        local ok, message, line, column, position = parser:parse(part)
        if not ok then
            return nil, message, line, column, position
        end
    until part == nil
    parser:close()
    return stack[1][1]
end

-- Removes texts of white space only.
function totable.clean(element)
    local kept = 0
    for i = 1, #element do
        local child = element[i]
        element[i] = nil
        if type(child) == "table" then
            totable.clean(child)
        end
        if type(child) ~= "string" or child:find "%S" then
            kept = kept + 1
            element[kept] = child
        end
    end
    return element
end

-- Gives fields for elements with a single text.
function totable.torecord(element)
    local kept = 0
    for i = 1, #element do
        local child = element[i]
        element[i] = nil
        if type(child) == "table" then
            local tag = child[0]
            if #child == 1 and type(child[1]) == "string" and element[tag] == nil then
                element[tag] = child[1]
                child = nil
            else
                totable.torecord(child)
            end
        end
        if child then
            kept = kept + 1
            element[kept] = child
        end
    end
    return element
end

return totable
