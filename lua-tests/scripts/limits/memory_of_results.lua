-- options: -timeout 60s -memory-limit 64
-- Strings that are built outside the heap count against the memory limit while they grow.
local highest = 0
local function peak()
    local file = io.open("/proc/self/status")
    if not file then return 0 end
    local kilobytes = file:read("*a"):match("VmHWM:%s+(%d+) kB")
    file:close()
    return tonumber(kilobytes) / 1024
end
local start = peak()

local function refuses(what, f, ...)
    collectgarbage()
    local ok, message = pcall(f, ...)
    assert(not ok and message == "not enough memory", what .. ": " .. tostring(message):sub(1, 100))
    collectgarbage()
    assert(peak() < start + 100, what .. " takes " .. peak() - start .. " MB")
end

local long, medium = ("x"):rep(25e6), ("x "):rep(1e4)
refuses("json_encode", json_encode, long)
refuses("json_encode of escapes", json_encode, ("\0"):rep(8e6))
refuses("yaml.encode", yaml.encode, { long })
refuses("toml.encode", toml.encode, { a = long })
for _, name in ipairs { "upper", "lower", "title" } do
    refuses("text." .. name, text[name], long)
end
refuses("text.pad_left", text.pad_left, "x", 20e6, "é")
long = nil

local list = {}
for i = 1, 5000 do list[i] = medium end
refuses("json_encode of a list", json_encode, list)
refuses("yaml.encode of a list", yaml.encode, list)
refuses("toml.encode of a list", toml.encode, { list = list })
refuses("csv.stringify", csv.stringify, { list })
refuses("text.join", text.join, list, ",")
refuses("table.concat", table.concat, list, ",")
refuses("ini.stringify", ini.stringify, { a = list[1], b = (function()
    local section = {}
    for i = 1, 5000 do section["key" .. i] = medium end
    return section
end)() })
local repeated = template.parse("{{range .list}}{{$.text}}{{end}}")
refuses("template", function() return assert(repeated.execute({ list = list, text = medium })) end)

-- A result that fits is the same as if it were built in one step.
local words = ("ΑΣ ß ŉ áé  "):rep(5000)
assert(text.lower(words) == ("ας ß ŉ áé  "):rep(5000))
assert(text.upper(words) == ("ΑΣ SS ʼN ÁÉ  "):rep(5000))
assert(#json_encode(("x"):rep(8e6)) == 8e6 + 2 and #text.upper(("é"):rep(4e6)) == 8e6)
