-- lxp.lom: documents as trees of tables. An element has its name in `tag`, its attributes in
-- `attr`, and its texts and elements from 1 on.
local lxp = require "lxp"

local lom = {}

local Tree = {}
Tree.__index = Tree

-- Whether an element is selected by a name (nil: every element).
local function is_selected(element, tag)
    return type(element) == "table" and (tag == nil or element.tag == tag)
end

-- The first element with this name; its attributes must be those of `attr`.
function lom.find_elem(element, tag)
    if is_selected(element, tag) then
        return element
    end
    for _, child in ipairs(element) do
        if type(child) == "table" then
            local found = lom.find_elem(child, tag)
            if found then
                return found
            end
        end
    end
end

-- An iterator over elements with a name: children, or all elements below.
function lom.list_children(element, tag)
    local i = 0
    return function()
        while true do
            i = i + 1
            local child = element[i]
            if child == nil then
                return nil
            elseif is_selected(child, tag) then
                return child
            end
        end
    end
end

-- Builds the tree of a document: a string, or an iterator, a file or a table of its parts.
function lom.parse(input, options)
    options = options or {}
    local stack = { {} }
    local callbacks = {}
    function callbacks.StartElement(_, tag, attributes)
        stack[#stack + 1] = { tag = tag, attr = attributes }
    end
    function callbacks.EndElement()
        local element = table.remove(stack)
        table.insert(stack[#stack], element)
    end
    function callbacks.CharacterData(_, text)
        local element = stack[#stack]
        local last = #element
        if type(element[last]) == "string" then
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

return lom
