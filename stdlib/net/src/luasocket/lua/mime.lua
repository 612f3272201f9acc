-- mime: filters for ltn12 from the functions of mime.core.
local ltn12 = require("ltn12")
local mime = require("mime.core")

local encoders, decoders, wrappers = {}, {}, {}
mime.encodet, mime.decodet, mime.wrapt = encoders, decoders, wrappers

-- A function that makes a filter by the name that is its first argument, or else by "default".
local function choose(makers)
    return function(name, first, second)
        if type(name) ~= "string" then name, first, second = "default", name, first end
        local make = makers[name]
        if not make then error("unknown key (" .. name .. ")", 3) end
        return make(first, second)
    end
end

encoders.base64 = function()
    return ltn12.filter.cycle(mime.b64, "")
end

encoders["quoted-printable"] = function(mode)
    local marker = mode == "binary" and "=0D=0A" or "\r\n"
    return ltn12.filter.cycle(mime.qp, "", marker)
end

decoders.base64 = function()
    return ltn12.filter.cycle(mime.unb64, "")
end

decoders["quoted-printable"] = function()
    return ltn12.filter.cycle(mime.unqp, "")
end

local LINE = 76

wrappers.text = function(length)
    return ltn12.filter.cycle(mime.wrp, length or LINE, length or LINE)
end
wrappers.base64 = wrappers.text
wrappers.default = wrappers.text

wrappers["quoted-printable"] = function()
    return ltn12.filter.cycle(mime.qpwrp, LINE, LINE)
end

mime.encode = choose(encoders)
mime.decode = choose(decoders)
mime.wrap = choose(wrappers)

-- Replaces all kinds of ends of lines.
function mime.normalize(marker)
    return ltn12.filter.cycle(mime.eol, 0, marker)
end

-- Doubles dots at the start of lines, as SMTP requires.
function mime.stuff()
    return ltn12.filter.cycle(mime.dot, 2)
end

return mime
