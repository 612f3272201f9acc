-- socket.url: parts of URLs, and relative URLs (RFC 3986; with the parameters of RFC 2396).
local url = { _VERSION = "URL 1.0.3" }

local socket = package.loaded["socket"]
if type(socket) == "table" then socket.url = url end

local function hexadecimal(format)
    return function(character) return string.format(format, string.byte(character)) end
end

function url.escape(text)
    return (string.gsub(text, "[^%w_]", hexadecimal("%%%02x")))
end

function url.unescape(text)
    return (string.gsub(text, "%%(%x%x)", function(digits)
        return string.char(tonumber(digits, 16))
    end))
end

-- Escapes what a segment of a path cannot contain.
local function escape_segment(text)
    return (string.gsub(text, "[^%w_%-%.!~%*'%(%):@&=%+%$,]", hexadecimal("%%%02X")))
end

-- Removes the segments "." and "..".
local function without_dots(path)
    local is_absolute = string.sub(path, 1, 1) == "/"
    local kept, is_directory = {}, false
    local rest = is_absolute and string.sub(path, 2) or path
    for segment in string.gmatch(rest .. "/", "([^/]*)/") do
        is_directory = segment == "." or segment == ".."
        if segment == ".." then
            if #kept > 0 and kept[#kept] ~= ".." then
                kept[#kept] = nil
            elseif not is_absolute then
                kept[#kept + 1] = segment
            end
        elseif segment ~= "." then
            kept[#kept + 1] = segment
        end
    end
    local cleaned = table.concat(kept, "/")
    if is_directory and #kept > 0 then cleaned = cleaned .. "/" end
    return (is_absolute and "/" or "") .. cleaned
end

-- The user, password, host and port of an authority.
local function parse_authority(authority, parsed)
    local userinfo, rest = string.match(authority, "^([^@]*)@(.*)$")
    if userinfo then
        parsed.userinfo = userinfo
        authority = rest
    end
    local host, port = string.match(authority, "^(.*):([^:%]]*)$")
    if host then
        parsed.port = port
        authority = host
    end
    if authority ~= "" then
        parsed.host = string.match(authority, "^%[(.+)%]$") or authority
    end
    userinfo = parsed.userinfo
    if userinfo then
        local user, password = string.match(userinfo, "^(.*):([^:]*)$")
        parsed.user = user or userinfo
        parsed.password = password or parsed.password
    end
end

function url.parse(text, default)
    local parsed = {}
    for key, value in pairs(default or {}) do parsed[key] = value end
    if not text or text == "" then return nil, "invalid url" end
    local rest = text
    -- Takes what a pattern matches, and leaves the other capture.
    local function take(name, pattern)
        local value, left = string.match(rest, pattern)
        if value then
            parsed[name] = value
            rest = left
        end
    end
    local function take_end(name, pattern)
        local left, value = string.match(rest, pattern)
        if value then
            parsed[name] = value
            rest = left
        end
    end
    take("scheme", "^(%w[%w%+%-%.]*):(.*)$")
    take("authority", "^//([^/]*)(.*)$")
    take_end("fragment", "^([^#]*)#(.*)$")
    take_end("query", "^([^%?]*)%?(.*)$")
    take_end("params", "^([^;]*);(.*)$")
    if rest ~= "" then parsed.path = rest end
    if parsed.authority then parse_authority(parsed.authority, parsed) end
    return parsed
end

function url.build(parsed)
    local text = parsed.path or ""
    if parsed.params then text = text .. ";" .. parsed.params end
    if parsed.query then text = text .. "?" .. parsed.query end
    local authority = parsed.authority
    if parsed.host then
        authority = parsed.host
        if string.find(authority, ":", 1, true) then authority = "[" .. authority .. "]" end
        if parsed.port then authority = authority .. ":" .. tostring(parsed.port) end
        local userinfo = parsed.userinfo
        if parsed.user then
            userinfo = parsed.user
            if parsed.password then userinfo = userinfo .. ":" .. parsed.password end
        end
        if userinfo then authority = userinfo .. "@" .. authority end
    end
    if authority then text = "//" .. authority .. text end
    if parsed.scheme then text = parsed.scheme .. ":" .. text end
    if parsed.fragment then text = text .. "#" .. parsed.fragment end
    return text
end

-- A URL without dots between its slashes, also in its query, as LuaSocket does it.
local function cleaned(text)
    local start, rest = string.match(text, "^(%w[%w%+%-%.]*://[^/]*)(.*)$")
    if not start then start, rest = string.match(text, "^(%w[%w%+%-%.]*:)(/.*)$") end
    if not start then start, rest = string.match(text, "^(//[^/]*)(.*)$") end
    if not start then
        -- A scheme without slashes: there is no path.
        if string.find(text, "^%w[%w%+%-%.]*:") then return text end
        start, rest = "", text
    end
    if rest == "" then return text end
    return start .. without_dots(rest)
end

function url.absolute(base, relative)
    local base_parsed, base_text = base, base
    if type(base) == "table" then base_text = url.build(base) else base_parsed = url.parse(base) end
    local parsed = url.parse(relative)
    if not base_parsed then return cleaned(relative) end
    if not parsed then return cleaned(base_text) end
    if parsed.scheme then return cleaned(relative) end
    parsed.scheme = base_parsed.scheme
    if not parsed.authority then
        parsed.authority = base_parsed.authority
        if parsed.path then
            if string.sub(parsed.path, 1, 1) ~= "/" then
                local directory = string.gsub(base_parsed.path or "", "[^/]*$", "")
                if string.sub(directory, -1) ~= "/" then directory = directory .. "/" end
                parsed.path = directory .. parsed.path
            end
        else
            parsed.path = base_parsed.path
            if not parsed.params then
                parsed.params = base_parsed.params
                parsed.query = parsed.query or base_parsed.query
            end
        end
    end
    return cleaned(url.build(parsed))
end

function url.parse_path(path)
    path = path or ""
    local segments = {}
    for segment in string.gmatch(path, "[^/]+") do
        segments[#segments + 1] = url.unescape(segment)
    end
    if string.sub(path, 1, 1) == "/" then segments.is_absolute = 1 end
    if string.sub(path, -1) == "/" then segments.is_directory = 1 end
    return segments
end

function url.build_path(segments, is_escaped)
    local escaped = {}
    for i = 1, #segments do
        escaped[i] = is_escaped and segments[i] or escape_segment(segments[i])
    end
    local path = table.concat(escaped, "/")
    if #segments > 0 and segments.is_directory then path = path .. "/" end
    if segments.is_absolute then path = "/" .. path end
    return path
end

return url
