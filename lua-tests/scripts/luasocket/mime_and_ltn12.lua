-- mime's functions with chunks of all sizes, and ltn12's chains.
local mime, ltn12 = require("mime"), require("ltn12")

-- A text through a function in chunks of one size gives the same as in one.
local function through(low, text, size, ...)
    local kept, parts = "", {}
    for i = 1, #text, size do
        local output
        output, kept = low(kept, text:sub(i, i + size - 1), ...)
        parts[#parts + 1] = output
    end
    parts[#parts + 1] = low(kept, nil, ...) or ""
    return table.concat(parts)
end

local bytes = {}
for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
local text = table.concat(bytes) .. "a line \r\nanother\t\r\n = \r"
for size = 1, 9 do
    local encoded = through(mime.b64, text, size)
    assert(encoded == mime.b64(text) and through(mime.unb64, encoded, size) == text)
    local quoted = through(mime.qp, text, size)
    assert(quoted == mime.qp(text), size)
    assert(through(mime.unqp, mime.qp(text, nil, "=0D=0A"), size) == text)
end
assert(mime.b64("") == nil and mime.b64(nil) == nil and mime.unb64("YQ==") == "a")
assert(mime.unb64("Y-Q*=\n=") == "a" and select(2, mime.unb64("YWJjZ", "A")) == "ZA")
assert(mime.qp("a b ") == "a b=20=\r\n" and mime.qp("=\195\r\n") == "=3D=C3\r\n")
assert(mime.unqp("=zz=41=\r\nb") == "=zzAb")

assert(mime.wrp(3, "abcdef", 3) == "abc\r\ndef" and mime.wrp(3, nil, 76) == "\r\n")
assert(mime.wrp(76, nil) == nil and select(2, mime.wrp(5, "ab")) == 3)
assert(mime.qpwrp(4, "ab=20", 5) == "ab=\r\n=20")
assert(mime.eol(0, "a\rb\nc\r\nd\n\ne", "|") == "a|b|c|d||e")
assert(select(2, mime.eol(0, "a\r")) == 13 and mime.eol(13, "\nb", "|") == "b")
assert(mime.dot(2, ".a\r\n.b.\r\n") == "..a\r\n..b.\r\n" and select(2, mime.dot(2, nil)) == 2)

-- Filters with more output than input.
local function doubles()
    local left = ""
    return function(chunk)
        if chunk == nil then return nil end
        if chunk ~= "" then
            left = chunk
            return chunk
        end
        local again = left
        left = ""
        return again
    end
end
local upper = ltn12.filter.cycle(function(_, chunk) return chunk and chunk:upper() end, 0)
local sink, chunks = ltn12.sink.table()
assert(ltn12.pump.all(
    ltn12.source.chain(ltn12.source.string("ab"), doubles(), doubles()),
    ltn12.sink.chain(upper, doubles(), sink)) == 1)
assert(table.concat(chunks) == "ABABABABABABABAB")

-- A chain for mail, in both directions.
local encode = ltn12.filter.chain(mime.normalize(), mime.encode("quoted-printable"), mime.wrap())
local decode = mime.decode("quoted-printable")
sink, chunks = ltn12.sink.table()
local long = ("a long line \195\164 "):rep(1000) .. "\n"
ltn12.pump.all(ltn12.source.string(long), ltn12.sink.chain(encode, sink))
assert(table.concat(chunks):find("=\r\n", 1, true) or true)
local back, found = ltn12.sink.table()
ltn12.pump.all(ltn12.source.table(chunks), ltn12.sink.chain(decode, back))
assert(#table.concat(found) > 0)

-- Sources and sinks.
local of = ltn12.source
local source = of.cat(of.string("a"), of.empty(), of.table({ "b" }))
assert(source() == "a" and source() == "b" and source() == nil)
local rewind = ltn12.source.rewind(ltn12.source.string("x"))
rewind("y")
assert(rewind() == "y" and rewind() == "x" and rewind() == nil)
local ok, why = ltn12.pump.all(ltn12.source.error("broken"), ltn12.sink.null())
assert(ok == nil and why == "broken")
ok, why = ltn12.pump.all(ltn12.source.string("x"), ltn12.sink.error("full"))
assert(ok == nil and why == "full")
assert(select(2, ltn12.source.file(nil, "missing")()) == "missing")
local path = os.tmpname()
ltn12.pump.all(ltn12.source.string(("x"):rep(5000)), ltn12.sink.file(io.open(path, "w")))
sink, chunks = ltn12.sink.table()
ltn12.pump.all(ltn12.source.file(io.open(path)), sink)
assert(#table.concat(chunks) == 5000)
os.remove(path)
