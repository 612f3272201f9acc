-- posix: names that match a pattern of the shell, options of a command line, groups.
local fnmatch = { FNM_NOMATCH = 1, FNM_PATHNAME = 1, FNM_NOESCAPE = 2, FNM_PERIOD = 4 }
modules["posix.fnmatch"] = fnmatch

-- The end of a set that starts at a `[`; nil if it is not closed.
local function set_end(pattern, at)
    local i = at + 1
    if pattern:find("^[!^]", i) then
        i = i + 1
    end
    if pattern:sub(i, i) == "]" then
        i = i + 1
    end
    while i <= #pattern and pattern:sub(i, i) ~= "]" do
        local class = pattern:match("^%[:%a+:%]()", i)
        i = class or i + 1
    end
    return i <= #pattern and i or nil
end

-- A set of the shell as one of Lua.
local function set_of_lua(text)
    local negated = text:sub(1, 1):find "[!^]"
    text = negated and text:sub(2) or text
    text = text:gsub("%[:(%a+):%]", function(class)
        local letter = ({
            alpha = "a", cntrl = "c", digit = "d", lower = "l", punct = "p", space = "s",
            upper = "u", alnum = "w", xdigit = "x",
        })[class]
        return letter and "\0" .. letter
    end)
    text = text:gsub("[%%%]%[%^]", "%%%0"):gsub("%z", "%%")
    return "[" .. (negated and "^" or "") .. text .. "]"
end

-- What a pattern consists of: stars, and patterns of Lua for single characters.
local function parts_of(pattern, flags)
    local parts, i = {}, 1
    while i <= #pattern do
        local character = pattern:sub(i, i)
        local last = character == "[" and set_end(pattern, i)
        if character == "*" then
            parts[#parts + 1] = "*"
        elseif character == "?" then
            parts[#parts + 1] = "."
        elseif last then
            parts[#parts + 1] = set_of_lua(pattern:sub(i + 1, last - 1))
            i = last
        else
            if character == "\\" and not has(flags, fnmatch.FNM_NOESCAPE) and i < #pattern then
                i = i + 1
                character = pattern:sub(i, i)
            end
            parts[#parts + 1] = "%" .. character
            if character:find "[%w%z]" then
                parts[#parts] = character == "\0" and "%z" or character
            end
        end
        i = i + 1
    end
    return parts
end

-- Matches from left to right. If it fails, the last star takes one character more.
local function matches(parts, text, flags)
    local in_paths = has(flags, fnmatch.FNM_PATHNAME)
    local periods = has(flags, fnmatch.FNM_PERIOD)
    local function is_hidden(at)
        return periods and text:sub(at, at) == "."
            and (at == 1 or in_paths and text:sub(at - 1, at - 1) == "/")
    end
    local part, at, star, star_at = 1, 1, nil, nil
    while at <= #text or part <= #parts do
        local one, character = parts[part], text:sub(at, at)
        local is_wild = one and (one == "." or #one > 2)
        if one == "*" and not is_hidden(at) then
            star, star_at = part, at
            part = part + 1
        elseif one and one ~= "*" and at <= #text and character:find("^" .. one)
            and not (is_wild and (in_paths and character == "/" or is_hidden(at))) then
            part, at = part + 1, at + 1
        elseif star and star_at <= #text
            and not (in_paths and text:sub(star_at, star_at) == "/") then
            star_at = star_at + 1
            part, at = star + 1, star_at
        else
            return false
        end
    end
    return true
end

function fnmatch.fnmatch(pattern, text, flags)
    pattern = string_argument(pattern, 1, "fnmatch")
    text = string_argument(text, 2, "fnmatch")
    flags = flags or 0
    return matches(parts_of(pattern, flags), text, flags) and 0 or fnmatch.FNM_NOMATCH
end

-- The paths that match, sorted; or nil, a message and the number of the error.
local function glob(pattern)
    pattern = string_argument(pattern or "*", 1, "glob")
    local found = { pattern:sub(1, 1) == "/" and "/" or "" }
    for name in pattern:gmatch "[^/]+" do
        local is_pattern = name:find "[*?[]"
        local parts = parts_of(name, 0)
        local longer = {}
        for _, path in ipairs(found) do
            local folder = (path == "" or path:find "/$") and path or path .. "/"
            if not is_pattern then
                local plain = folder .. name:gsub("\\(.)", "%1")
                if stat.lstat(plain) then
                    longer[#longer + 1] = plain
                end
            else
                local ok, names = pcall(dirent.dir, path == "" and "." or path)
                for _, candidate in ipairs(ok and names or {}) do
                    if matches(parts, candidate, fnmatch.FNM_PERIOD) then
                        longer[#longer + 1] = folder .. candidate
                    end
                end
            end
        end
        found = longer
    end
    if #found == 0 then
        return fails(2, pattern)
    end
    table.sort(found)
    return found
end
modules["posix.glob"] = { glob = glob }

-- The iterator of `getopt`: an option's letter or value, its argument, the index of the argument
-- that is next, and the index of a long option. Arguments that are not options are skipped.
local function getopt(arguments, letters, long, _, index)
    local reports_missing = letters:gsub("^[+-]", ""):sub(1, 1) == ":"
    local next_index, rest = index or 1, nil
    local function argument_of(attached, is_required, name)
        if attached or not is_required then
            return name, attached
        elseif arguments[next_index] == nil then
            return reports_missing and ":" or "?", nil
        end
        next_index = next_index + 1
        return name, arguments[next_index - 1]
    end
    local function long_option(text)
        local name, value = text:match "^([^=]*)=(.*)$"
        name = name or text
        local chosen, count
        for i, option in ipairs(long) do
            if option[1] == name then
                chosen, count = i, 1
                break
            elseif option[1]:sub(1, #name) == name then
                chosen, count = i, (count or 0) + 1
            end
        end
        if count ~= 1 or value and long[chosen][2] == "none" then
            return "?", nil, next_index, 0
        end
        local option = long[chosen]
        local code, argument = argument_of(value, option[2] == "required", option[3])
        return code, argument, next_index, chosen - 1
    end
    return function()
        if not rest then
            local argument = arguments[next_index]
            while argument and not argument:find "^%-." do
                next_index = next_index + 1
                argument = arguments[next_index]
            end
            if not argument then
                return nil
            end
            next_index = next_index + 1
            if argument == "--" then
                next_index = #arguments + 1
                return nil
            elseif long and argument:find "^%-%-" then
                return long_option(argument:sub(3))
            end
            rest = argument:sub(2)
        end
        local letter = rest:sub(1, 1)
        local at = letter ~= ":" and letters:find(letter, 1, true)
        rest = #rest > 1 and rest:sub(2) or nil
        local wants = at and letters:match("^:+", at + 1)
        if not wants then
            return at and letter or "?", nil, rest and next_index - 1 or next_index, 0
        end
        local attached = rest
        rest = nil
        local code, argument = argument_of(attached, wants == ":", letter)
        return code, argument, next_index, 0
    end
end
modules["posix.getopt"] = { getopt = getopt }

-- The lines of a file that lists users or groups, as lists of fields.
local function entries(path)
    local file, message, code = io.open(path)
    if not file then
        return nil, message, code
    end
    local list = {}
    for line in file:lines() do
        local fields = {}
        for part in (line .. ":"):gmatch "([^:]*):" do
            fields[#fields + 1] = part
        end
        list[#list + 1] = fields
    end
    file:close()
    return list
end

-- Functions that return the entries with a name or a number, or one after the other.
local function database(path, convert)
    local position, all = 0, nil
    local function find(field, value)
        local list, message, code = entries(path)
        if not list then
            return nil, message, code
        end
        for _, fields in ipairs(list) do
            if fields[field] == value then
                return convert(fields)
            end
        end
        return nil
    end
    local function restart()
        position, all = 0, nil
    end
    return {
        by_name = function(name) return find(1, name) end,
        by_number = function(number) return find(3, tostring(number)) end,
        restart = restart,
        next = function()
            local message, code
            if not all then
                all, message, code = entries(path)
            end
            position = position + 1
            if not all or not all[position] then
                return nil, message, code
            end
            return convert(all[position])
        end,
    }
end

local groups = database("/etc/group", function(fields)
    local members = {}
    for name in (fields[4] or ""):gmatch "[^,]+" do
        members[#members + 1] = name
    end
    return { gr_name = fields[1], gr_gid = tonumber(fields[3]), gr_mem = members }
end)
modules["posix.grp"] = {
    getgrnam = groups.by_name, getgrgid = groups.by_number, getgrent = groups.next,
    setgrent = groups.restart, endgrent = groups.restart,
}

local users = database("/etc/passwd", function(fields)
    return {
        pw_name = fields[1], pw_passwd = fields[2], pw_uid = tonumber(fields[3]),
        pw_gid = tonumber(fields[4]), pw_dir = fields[6], pw_shell = fields[7],
    }
end)
modules["posix.pwd"] = {
    getpwnam = users.by_name, getpwuid = users.by_number, getpwent = users.next,
    setpwent = users.restart, endpwent = users.restart,
}
