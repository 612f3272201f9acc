-- term.cursor: functions that move the cursor. Each writes a sequence to a file, by default to
-- standard output; missing numbers are an error, as in `string.format`.
local format, kind_of, output = string.format, io.type, io.stdout

local function sequence(template)
    template = "\27[" .. template
    return function(file, ...)
        if kind_of(file) == "file" then
            return file:write(format(template, ...))
        end
        return output:write(format(template, file, ...))
    end
end

local cursor = {
    goup = sequence "%d;A",
    godown = sequence "%d;B",
    goright = sequence "%d;C",
    goleft = sequence "%d;D",
    jump = sequence "%d;%dH",
    restore = sequence "u",
    save = sequence "s",
    -- For `term`, which removes it.
    sequence = sequence,
}
cursor["goto"] = cursor.jump
return cursor
