-- lxp, lxp.lom and lxp.totable, as in luaexpat 1.5 under lua5.1; what SolVM adds is at the end.
if go then
    package.path = ""
end
local lxp = require "lxp"

-- A parser that records the calls of these callbacks.
local function recorder(names, separator)
    local calls, callbacks = {}, {}
    for name in names:gmatch "%S+" do
        callbacks[name] = function(_, ...)
            local values = { name, ... }
            for i = 2, select("#", ...) + 1 do
                local value = values[i]
                if type(value) == "table" then
                    local parts = {}
                    for j = 1, #value do
                        parts[j] = value[j] .. "=" .. value[value[j]]
                    end
                    value = "{" .. table.concat(parts, ",") .. "}"
                end
                values[i] = tostring(value)
            end
            calls[#calls + 1] = table.concat(values, " ")
        end
    end
    return lxp.new(callbacks, separator), calls
end

local function expect(names, document, expected, separator)
    -- In one chunk and byte by byte.
    for _, size in ipairs { #document, 1 } do
        local parser, calls = recorder(names, separator)
        for at = 1, #document, size do
            assert(parser:parse(document:sub(at, at + size - 1)))
        end
        assert(parser:parse())
        parser:close()
        if size > 1 then
            local got = table.concat(calls, "|")
            assert(got == expected, got)
        end
    end
end

expect("StartElement EndElement CharacterData", "<a x='1' y=\"&lt;&#65;\">t&amp;<b/>\r\nz</a>",
    "StartElement a {x=1,y=<A}|CharacterData t&|StartElement b {}|EndElement b|"
    .. "CharacterData \nz|EndElement a")
expect("Comment ProcessingInstruction CharacterData StartCdataSection EndCdataSection",
    "<?xml version='1.0'?><!-- c --><a><?pi some data?><![CDATA[<x>]]]]></a>",
    "Comment  c |ProcessingInstruction pi some data|StartCdataSection|CharacterData <x>]]|"
    .. "EndCdataSection")
expect("XmlDecl StartDoctypeDecl EndDoctypeDecl EntityDecl CharacterData",
    "<?xml version='1.0' encoding='UTF-8' standalone='yes'?>"
    .. "<!DOCTYPE a [<!ENTITY e 'x&#66;'>]><a>&e;</a>",
    "XmlDecl 1.0 UTF-8 true|StartDoctypeDecl a nil nil true|EntityDecl e false xB nil nil nil nil|"
    .. "EndDoctypeDecl|CharacterData xB")
expect("StartElement EndElement StartNamespaceDecl EndNamespaceDecl",
    "<p:a xmlns:p='urn:p' xmlns='urn:d' p:x='1' y='2'><b/></p:a>",
    "StartNamespaceDecl p urn:p|StartNamespaceDecl nil urn:d|StartElement urn:p|a {urn:p|x=1,y=2}|"
    .. "StartElement urn:d|b {}|EndElement urn:d|b|EndElement urn:p|a|EndNamespaceDecl nil|"
    .. "EndNamespaceDecl p", "|")
expect("StartElement", "<!DOCTYPE a [<!ATTLIST a m CDATA 'def' n NMTOKENS #IMPLIED>]>"
    .. "<a n='  x  y '/>", "StartElement a {n=x y}")
expect("Default", "<a> hi </a>", "Default <a>|Default  hi |Default </a>")
expect("CharacterData", "<?xml version='1.0' encoding='ISO-8859-1'?><a>\228</a>",
    "CharacterData \195\164")

-- Positions and errors.
local function fails(document, message, line, column, position)
    local parser = lxp.new {}
    local ok, got, at_line, at_column, at = parser:parse(document)
    if ok then
        ok, got, at_line, at_column, at = parser:parse()
    end
    assert(ok == nil and got == message, document .. ": " .. tostring(got))
    if line then
        local shown = table.concat({ at_line, at_column, at }, " ")
        assert(shown == table.concat({ line, column, position }, " "), shown)
    end
end
fails("", "no element found")
fails("<a>", "no element found", 1, 4, 4)
fails("<a", "unclosed token", 1, 1, 1)
fails("<a></b>", "mismatched tag", 1, 6, 6)
fails("<a/><b/>", "junk after document element", 1, 5, 5)
fails("<a/>x", "junk after document element", 1, 5, 5)
fails("<a b='1' b='2'/>", "duplicate attribute")
fails("<a>&x;</a>", "undefined entity", 1, 4, 4)
fails("<a>&#0;</a>", "reference to invalid character number", 1, 4, 4)
fails("<a>\n<b< ></a>", "not well-formed (invalid token)", 2, 3, 7)
fails("<a>]]></a>", "not well-formed (invalid token)")
fails("<a>\1</a>", "not well-formed (invalid token)", 1, 4, 4)
fails("<a>\255</a>", "not well-formed (invalid token)", 1, 4, 4)
fails("<a><![CDATA[x", "unclosed CDATA section")
fails("<!DOCTYPE a [<!ENTITY e '&e;'>]><a>&e;</a>", "recursive entity reference")
fails("<!DOCTYPE a [<!ENTITY e '<b>'>]><a>&e;</b></a>", "asynchronous entity")
fails(" <?xml version='1.0'?><a/>", "XML or text declaration not at start of entity")
fails("<?xml version='1.0' encoding='klingon'?><a/>", "unknown encoding")

-- The amplification by entities is limited.
local bomb = { "<!DOCTYPE a [<!ENTITY e0 '0123456789'>" }
for i = 1, 9 do
    bomb[#bomb + 1] = "<!ENTITY e" .. i .. " '" .. ("&e" .. i - 1 .. ";"):rep(10) .. "'>"
end
bomb = table.concat(bomb) .. "]>"
fails(bomb .. "<a>&e9;</a>",
    "limit on input amplification factor (from DTD and entities) breached")
fails(bomb .. "<a x='&e9;'/>",
    "limit on input amplification factor (from DTD and entities) breached")

-- Methods.
local parser
parser = lxp.new {
    StartElement = function(self, name)
        assert(self == parser and table.concat({ self:pos() }, " ") == "1 4 4" or name == "a")
        if name == "stop" then
            assert(self:stop())
        end
    end,
}
assert(type(parser:getcallbacks().StartElement) == "function" and parser:setbase "/x" == parser)
assert(parser:getbase() == "/x")
local ok, message = parser:parse "<a><stop/><c/></a>"
assert(ok == nil and message == "parsing aborted")
parser = lxp.new {}
assert(parser:parse "<a/>" and parser:parse() and parser:parse() == parser)
assert(select(2, parser:parse " ") == "cannot parse - document is finished")
assert(parser:close() == parser and parser:close() == parser)
assert(not pcall(parser.parse, parser, "x"))
parser = lxp.new {}
parser:parse "<a>"
ok, message = pcall(parser.close, parser)
assert(not ok and message:find("error closing parser: no element found", 1, true))
ok, message = pcall(lxp.new, { something = 1 })
assert(not ok and message:find("invalid option 'something'", 1, true))
assert(lxp.new { something = 1, _nonstrict = true })
parser = lxp.new { StartElement = 5 }
ok, message = pcall(parser.parse, parser, "<a/>")
assert(not ok and message:find("lxp 'StartElement' callback is not a function", 1, true))

-- Trees.
local lom, totable = require "lxp.lom", require "lxp.totable"
local document = "<a x='1'>text<b>bold</b> <c/><b/></a>"
local tree = lom.parse(document)
assert(tree.tag == "a" and tree.attr[1] == "x" and tree.attr.x == "1" and tree[1] == "text")
assert(tree[2].tag == "b" and tree[2][1] == "bold" and #tree == 5)
assert(lom.find_elem(tree, "c") == tree[4] and lom.find_elem(tree, "z") == nil)
local count = 0
for child in lom.list_children(tree, "b") do
    count = count + #child + 1
end
assert(count == 3)
assert(lom.parse({ "<a>", "</a>" }).tag == "a")
local problem = { lom.parse "<a>" }
assert(problem[1] == nil and problem[2] == "no element found" and problem[3] == 1)
tree = totable.parse(document)
assert(tree[0] == "a" and tree.x == "1" and tree[2][0] == "b" and #tree == 5)
assert(#totable.clean(tree) == 4)
local record = totable.torecord(totable.parse "<r><k>v</k><l><m>1</m></l></r>")
assert(record.k == "v" and record[1][0] == "l" and record[1].m == "1")

-- In SolVM, callbacks may wait and yield, and a parser that refers to itself is collected.
if go then
    local seen = coroutine.wrap(function()
        local parser = lxp.new { StartElement = function(_, name) coroutine.yield(name) end }
        parser:parse "<a><b/></a>"
        coroutine.yield "end"
    end)
    assert(seen() == "a" and seen() == "b" and seen() == "end")
    local weak = setmetatable({}, { __mode = "v" })
    do
        local parser
        parser = lxp.new { StartElement = function() return parser end }
        weak[1] = parser
    end
    collectgarbage()
    collectgarbage()
    assert(weak[1] == nil)
end
print "ok"
