-- template: Go's own cases of html/template (escape_test.go, its documentation), definitions,
-- files, hostile templates.

local data = {
    F = false, T = true, C = "<Cincinnati>", G = "<Goodbye>", H = "<Hello>", A = { "<a>", "<b>" },
    E = {}, N = 42,
    W = template.html('&iexcl;<b class="foo">Hello</b>, <textarea>O\'World</textarea>!'),
    S = "O'Reilly: How are <i>you</i>?",
}

local cases = {
    { "{{if .T}}Hello{{end}}, {{.C}}!", "Hello, &lt;Cincinnati&gt;!" },
    { "{{if .F}}{{.H}}{{else}}{{.G}}{{end}}!", "&lt;Goodbye&gt;!" },
    { "Hello, {{.C | html}}!", "Hello, &lt;Cincinnati&gt;!" },
    { "{{if $x := .H}}{{$x}}{{end}}", "&lt;Hello&gt;" },
    { "{{with .H}}{{.}}{{end}}", "&lt;Hello&gt;" },
    { "{{with .E}}{{.}}{{else}}{{.H}}{{end}}", "&lt;Hello&gt;" },
    { "{{range .A}}{{.}}{{end}}", "&lt;a&gt;&lt;b&gt;" },
    { "{{range .E}}{{.}}{{else}}{{.H}}{{end}}", "&lt;Hello&gt;" },
    { "{{.T}}", "true" },
    { [[<a href="/search?q={{"'a<b'"}}">]], [[<a href="/search?q=%27a%3cb%27">]] },
    { "<a b=1 c={{.H}}>", "<a b=1 c=&lt;Hello&gt;>" },
    { [[<a href='{{"/foo/bar?a=b&c=d"}}'>]], [[<a href='/foo/bar?a=b&amp;c=d'>]] },
    {
        [[<a href='{{"http://example.com/foo/bar?a=b&c=d"}}'>]],
        [[<a href='http://example.com/foo/bar?a=b&amp;c=d'>]],
    },
    {
        [[<a href='{{"//example.com:8000/foo/bar?a=b&c=d"}}'>]],
        [[<a href='//example.com:8000/foo/bar?a=b&amp;c=d'>]],
    },
    { [[<a href='{{"javascript:alert(%22pwned%22)"}}'>]], [[<a href='#ZgotmplZ'>]] },
    { [[<a href='  {{"javascript:alert(%22pwned%22)"}}'>]], [[<a href='  #ZgotmplZ'>]] },
    {
        [[<a href={{"mailto:Muhammed \"The Greatest\" Ali <m.ali@example.com>"}}>]],
        [[<a href=mailto:Muhammed%20%22The%20Greatest%22%20Ali%20%3cm.ali@example.com%3e>]],
    },
    { [[<a href='http://{{"javascript:80"}}/foo'>]], [[<a href='http://javascript:80/foo'>]] },
    { "<a href='/search?q={{.H}}'>", "<a href='/search?q=%3cHello%3e'>" },
    { "<a href='/faq#{{.H}}'>", "<a href='/faq#%3cHello%3e'>" },
    {
        "<button onclick='alert({{.H}})'>",
        [[<button onclick='alert(&#34;\u003cHello\u003e&#34;)'>]],
    },
    { "<button onclick='alert({{.N}})'>", "<button onclick='alert( 42 )'>" },
    { "<button onclick='alert({{.T}})'>", "<button onclick='alert( true )'>" },
    {
        "<button onclick='alert({{.A}})'>",
        [[<button onclick='alert([&#34;\u003ca\u003e&#34;,&#34;\u003cb\u003e&#34;])'>]],
    },
    {
        "<button onclick='alert(&quot;{{.H}}&quot;)'>",
        [[<button onclick='alert(&quot;\u003cHello\u003e&quot;)'>]],
    },
    {
        "<script>alert({{.A}})</script>",
        [[<script>alert(["\u003ca\u003e","\u003cb\u003e"])</script>]],
    },
    {
        [[<script>alert(/{{""}}/.test(""));</script>]],
        [[<script>alert(/(?:)/.test(""));</script>]],
    },
    { [[<p style="dir: {{"ltr"}}">]], [[<p style="dir: ltr">]] },
    { [[<p style="width: {{"expression(alert(1337))"}}">]], [[<p style="width: ZgotmplZ">]] },
    { [[<style>{{"p"}} { color: pink }</style>]], "<style>p { color: pink }</style>" },
    {
        [[<style>p { background: url("/img?name={{"O'Reilly Animal(1)<2>.png"}}"); }</style>]],
        [[<style>p { background: ]]
            .. [[url("/img?name=O%27Reilly%20Animal%281%29%3c2%3e.png"); }</style>]],
    },
    { "<b>Hello, <!-- name of world -->{{.C}}</b>", "<b>Hello, &lt;Cincinnati&gt;</b>" },
    { [[<img on{{"load"}}="alert({{"loaded"}})">]], [[<img onload="alert(&#34;loaded&#34;)">]] },
    { [[<input {{"onchange"}}="{{"doEvil()"}}">]], [[<input ZgotmplZ="doEvil()">]] },
    { "{{.W}}", [[&iexcl;<b class="foo">Hello</b>, <textarea>O'World</textarea>!]] },
    { [[<div title="{{.W}}">]], [[<div title="&iexcl;Hello, O&#39;World!">]] },
    {
        "<textarea>{{.W}}</textarea>",
        "<textarea>&iexcl;&lt;b class=&#34;foo&#34;&gt;Hello&lt;/b&gt;, "
            .. "&lt;textarea&gt;O&#39;World&lt;/textarea&gt;!</textarea>",
    },
    -- The table in the package's documentation.
    { "{{.S}}", "O&#39;Reilly: How are &lt;i&gt;you&lt;/i&gt;?" },
    { "<a title='{{.S}}'>", "<a title='O&#39;Reilly: How are &lt;i&gt;you&lt;/i&gt;?'>" },
    { [[<a href="/{{.S}}">]], [[<a href="/O%27Reilly:%20How%20are%20%3ci%3eyou%3c/i%3e?">]] },
    {
        [[<a href="?q={{.S}}">]],
        [[<a href="?q=O%27Reilly%3a%20How%20are%20%3ci%3eyou%3c%2fi%3e%3f">]],
    },
    {
        [[<a onx='f("{{.S}}")'>]],
        [[<a onx='f("O\u0027Reilly: How are \u003ci\u003eyou\u003c\/i\u003e?")'>]],
    },
    {
        [[<a onx='f({{.S}})'>]],
        [[<a onx='f(&#34;O&#39;Reilly: How are \u003ci\u003eyou\u003c/i\u003e?&#34;)'>]],
    },
    {
        [[<a onx='pattern = /{{.S}}/;'>]],
        [[<a onx='pattern = /O\u0027Reilly: How are \u003ci\u003eyou\u003c\/i\u003e\?/;'>]],
    },
    -- The language: pipelines, variables, functions, loops, space.
    {
        "{{len .A}} {{index .A 1 | len}} {{printf \"%05d|%-4s|%q\" .N \"x\" \"y\"}}",
        "2 3 00042|x   |&#34;y&#34;",
    },
    { "{{range $i, $a := .A}}{{if $i}}, {{end}}{{$i}}{{end}}", "0, 1" },
    {
        "{{eq .N 42}} {{lt 1 2}} {{and .T .F}} {{or .F 3}} {{not .T}} {{ne 1 2}}",
        "true true false 3 false true",
    },
    { "a {{- 1 -}} b{{/* a comment */}}", "a1b" },
    { "{{range .A}}{{break}}{{end}}{{.Missing}}{{.N}}", "42" },
    {
        "{{define \"x\"}}[{{.}}]{{end}}{{template \"x\" .N}}"
            .. "{{block \"y\" .C}}<b>{{.}}</b>{{end}}",
        "[42]<b>&lt;Cincinnati&gt;</b>",
    },
}
for _, case in ipairs(cases) do
    local t = assert(template.parse(case[1]))
    local text, message = t.execute(data)
    assert(text == case[2], ("%s\n%s\n%s"):format(case[1], tostring(text), tostring(message)))
    assert(t:execute(data) == text)
end

-- Trusted strings, each in its context.
local trusted = {
    A = template.attribute('dir="ltr"'), C = template.css("color: red"), J = template.js("f(1)"),
    S = template.js_string("\\x41"), U = template.url("javascript:void(0)"),
    I = template.srcset("a.png 2x, b.png"), H = template.html("<b>x</b>"),
}
assert(template.parse([[<a {{.A}} style="{{.C}}" onclick="{{.J}}; '{{.S}}'" href="{{.U}}">]]
    .. [[<img srcset="{{.I}}">{{.H}}{{.J}}]]).execute(trusted)
    == [[<a dir="ltr" style="color: red" onclick="f(1); '\x41'" href="javascript:void%280%29">]]
    .. [[<img srcset="a.png 2x, b.png"><b>x</b>f(1)]])

-- Values of all kinds.
assert(template.parse("{{.}}").execute() == "" and template.parse("x").execute() == "x")
assert(template.parse("{{.a}}{{.b}} {{.c}} {{.d.e}}").execute({
    a = 1.5, b = true, c = -3, d = { e = { 1, { x = "y" } } },
}) == "1.5true -3 [1 map[x:y]]")
local t = template.parse("{{.x}}", { name = "page", missing = "error" })
assert(t.name == "page")
-- An empty table is a map without fields, and ranging over it does nothing.
for source, expected in pairs({
    ["[{{.a}}]"] = "[]", ["{{if .a}}yes{{else}}no{{end}}"] = "no", ["{{.u.name}}."] = ".",
    ["{{if .u}}yes{{else}}no{{end}}"] = "no", ["{{range .u}}x{{else}}none{{end}}"] = "none",
    ["{{len .u}}"] = "0", ["<script>x = {{.u}}</script>"] = "<script>x = {}</script>",
}) do
    local filled, why = template.parse(source).execute({ u = {} })
    assert(filled == expected, tostring(why or filled))
end
assert(template.parse("[{{.a}}{{range .}}x{{end}}]"):execute({}) == "[]")
assert(select(2, template.parse("{{.a}}", { missing = "error" }).execute({})):find("a", 1, true))

local nothing, message = t.execute({})
assert(nothing == nil and message:find("x", 1, true))
assert(template.parse("<<.x>>", { delimiters = { "<<", ">>" } }).execute({ x = 1 }) == "1")

-- Invalid templates, and errors while rendering.
local function fails(text, expected, options)
    local t, message = template.parse(text, options)
    assert(t == nil and message:find(expected, 1, true), tostring(message))
end
fails("{{.X", "template: template:1: unclosed action")
fails("\n{{if}}", "template: page:2: missing value for if", { name = "page" })
-- What Go refuses when it parses; all cases are those of the crate's own tests.
fails("{{if .}}text", "template: template:1: unexpected EOF")
fails("text{{end}}more text", "template: template:1: unexpected {{end}}")
fails("{{else}}", "unexpected {{else}}")
fails("{{if .}}{{else}}{{else}}{{end}}", "expected end; found {{else}}")
fails("{{if .}}{{define `x`}}{{end}}{{end}}", "unexpected <define> in command")
fails("{{break}}", "{{break}} outside {{range}}")
fails("{{nothing 1}}", 'function "nothing" not defined')
fails("{{$x}}", 'undefined variable "$x"')
fails("{{/* text", "unclosed comment")
fails("{{template}}", 'unexpected "}}" in template clause')
fails("{{0x}}", 'illegal number syntax: "0x"')
fails("<<if .>>{{", "template: template:1: unexpected EOF", { delimiters = { "<<", ">>" } })
fails(("{{if .}}"):rep(1000) .. ("{{end}}"):rep(1000), "nesting depth")
fails("\255", "invalid UTF-8")
fails(("{{range .}}"):rep(13) .. ("{{end}}"):rep(13),
    "template: template: more than 12 nested ranges")
assert(template.parse(("{{range .}}"):rep(12) .. ("{{end}}"):rep(12)).execute({}) == "")
local inner = '{{define "inner"}}' .. ("{{range .}}"):rep(7) .. ("{{end}}"):rep(7) .. "{{end}}"
fails(inner .. ("{{range .}}"):rep(6) .. '{{template "inner" .}}' .. ("{{end}}"):rep(6),
    "more than 12 nested ranges")
local function chain(length, nesting)
    local parts = {}
    for i = 1, length do
        local open, close = ("{{if 1}}"):rep(nesting), ("{{end}}"):rep(nesting)
        parts[i] = ('{{define "t%05d"}}%s{{template "t%05d"}}%s{{end}}')
            :format(i, open, i + 1, close)
    end
    return table.concat(parts)
        .. ('{{define "t%05d"}}x{{end}}{{template "t00001"}}'):format(length + 1)
end
fails('{{define "x"}}{{template "y"}}{{end}}'
    .. '{{define "y"}}<script>${ `{{template "x"}}`{{end}}{{template "x"}}',
    "recursive templates cannot be combined with '`' strings")
local nested = '{{define "x"}}{{if .}}<i>{{.n}}{{template "x" .next}}</i>{{end}}{{end}}'
    .. '{{template "x" .}}'
assert(template.parse(nested).execute({ n = 1, next = { n = 2 } }) == "<i>1<i>2</i></i>")
fails(chain(20000, 0), "more than 200 nested branches and calls")
fails(chain(200, 2), "more than 200 nested branches and calls")
assert(template.parse(chain(190, 0)).execute() == "x"
    and template.parse(chain(2, 90)).execute() == "x")
for text, expected in pairs({
    ["<a href='{{.}}"] = "ends in a non-text context",
    ["{{if .}}<a{{else}}<b>{{end}}>"] = "branches end in different contexts",
    ["{{template \"x\"}}"] = "no such template", ["{{index . 5}}"] = "index",
    ["{{.x}}"] = "can't evaluate field x",
    ["{{define \"r\"}}{{template \"r\"}}{{end}}{{template \"r\"}}"] = "recursion limit",
}) do
    local text, message = assert(template.parse(text)).execute({ 1 })
    assert(text == nil and message:find(expected, 1, true), tostring(message))
end
local many = {}
for i = 1, 300 do
    many[i] = i
end
nothing, message = template.parse(
    "{{range $}}{{range $}}{{range $}}xxxxxxxxxxxxxxxxxxxx{{end}}{{end}}{{end}}").execute(many)
assert(nothing == nil and message == "output is larger than 64 MiB")

local function raises(code, message)
    local ok, got = pcall(assert(loadstring(code, "=code")))
    assert(not ok and got == "code:1: " .. message, tostring(got))
end
raises("template.parse()", "bad argument #1 to 'parse' (string expected, got no value)")
raises("template.parse('', { delims = 1 })",
    "bad argument #2 to 'parse' (unknown option 'delims' (expected one of name, delimiters, "
    .. "missing))")
raises("template.parse('', { delimiters = { '<' } })",
    "bad argument #2 to 'parse' (option 'delimiters': two strings expected)")
raises("template.parse('', { missing = 'x' })",
    "bad argument #2 to 'parse' (option 'missing': 'default', 'zero' or 'error' expected)")
raises("template.parse_files()", "bad argument #1 to 'parse_files' (at least one path expected)")
raises("template.parse_files('a', 5, {})",
    "bad argument #2 to 'parse_files' (string expected, got number)")
raises("template.html({})", "bad argument #1 to 'html' (string expected, got table)")
raises("template.html('\\255')", "bad argument #1 to 'html' (text is not valid UTF-8)")
raises("template.parse('x').execute({ a = { print } })", "value.a[1]: cannot encode a function")
raises("template.parse('x').execute(io.stdout)", "value: cannot render a userdata")
raises("template.parse('x').execute('\\255')",
    "value: cannot render a string that is not valid UTF-8")

-- Files.
local folder = os.tmpname()
os.remove(folder)
assert(mkdir(folder))
assert(write_file(folder .. "/page.html",
    '<h1>{{.title}}</h1>{{template "part.html" .}}{{template "footer"}}'))
assert(write_file(folder .. "/part.html", '<p>{{.text}}</p>{{define "footer"}}<hr>{{end}}'))
t = assert(template.parse_files(folder .. "/page.html", folder .. "/part.html"))
assert(t.name == "page.html"
    and t.execute({ title = "A & B", text = "<" }) == "<h1>A &amp; B</h1><p>&lt;</p><hr>")
assert(text.join(t.templates(), " ") == "footer page.html part.html"
    and t:execute_template("part.html", { text = "x" }) == "<p>x</p>")
assert(template.parse_files({ folder .. "/page.html", folder .. "/part.html" },
    { missing = "zero" }).name == "page.html")
assert(template.parse_glob(folder .. "/*.html"):execute({ title = 1, text = 2 })
    == "<h1>1</h1><p>2</p><hr>")
assert(template.parse_file(folder .. "/part.html").execute({ text = 3 }) == "<p>3</p>")
nothing, message = template.parse_file(folder .. "/none")
assert(nothing == nil and message == folder .. "/none: No such file or directory")
nothing, message = template.parse_glob(folder .. "/*.txt")
assert(nothing == nil and message == folder .. "/*.txt: no file matches")
nothing, message = t.execute_template("none")
assert(nothing == nil and message:find("none", 1, true))
assert(write_file(folder .. "/bad.html", "{{"))
nothing, message = template.parse_files(folder .. "/page.html", folder .. "/bad.html")
assert(nothing == nil and message:find("template: bad.html:1:", 1, true) == 1, message)
assert(remove(folder, true) or true)
