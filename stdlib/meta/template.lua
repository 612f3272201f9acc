---@meta

---Templates with contextual escaping, in the syntax of Go's html/template. Values are escaped as
---their context requires: in HTML text, attributes, URLs, JavaScript and CSS. A URL such as
---`javascript:` becomes `#ZgotmplZ`.
---
---| action | effect |
---|---|---|
---| `{{.name}}` `{{.a.b}}` `{{.}}` | a field, a field of a field, the value itself |
---| `{{if x}} {{else if y}} {{else}} {{end}}` | one of the branches; false, nil, 0, "" and empty tables are false |
---| `{{range x}} {{else}} {{end}}` | the body for each item of a list or field of a map; `{{range $i, $v := x}}`, where `$i` of a list counts from 0; `{{break}}`, `{{continue}}` |
---| `{{with x}} {{end}}` | the body with `.` set to x |
---| `{{define "n"}} {{end}}`, `{{template "n" x}}`, `{{block "n" x}} {{end}}` | templates in templates; without an x they get `.` (in Go: nil) |
---| `{{$v := x}}` `{{x \| f a}}` `{{/* */}}` `{{-` `-}}` | variables, pipelines, comments, trimmed space |
---| `and or not eq ne lt le gt ge len index slice print printf println html js urlquery` | functions |
---
---An empty table is a map without fields, `{}` in JavaScript. Templates cannot call Lua functions.
---Actions may be nested 100 deep, ranges 12; recursive templates cannot be combined with backquotes
---in scripts.
---
---```lua
---local page = template.parse('<a href="/find?q={{.query}}">{{.query}}</a>')
---assert(page.execute({ query = "a & b" }) == '<a href="/find?q=a%20%26%20b">a &amp; b</a>')
---```
---@class template
template = {}

---A parsed template. Its field `name` is its name.
---@class Template
---@field name string
local Template = {}

---Parses a template. An invalid one returns nil and the reason, as in Go, with its name and the
---line; its contexts in HTML are checked when it is executed. Variables cannot be declared in
---parentheses and in `{{template}}`.
---
---```lua
---local greeting = template.parse("Hello, <<.>>!", { delimiters = { "<<", ">>" } })
---assert(greeting.execute("World") == "Hello, World!")
---
---local nothing, message = template.parse("{{.x", { name = "page" })
---assert(nothing == nil and message == "template: page:1: unclosed action")
---```
---@param text string at most 16 MiB
---@param options? { name?: string, delimiters?: string[], missing?: "default"|"zero"|"error" } `delimiters`: the replacements of `{{` and `}}`; `missing`: the result of a missing field: nothing, or an error
---@return Template? template nil if the template is invalid
---@return string? message the error
function template.parse(text, options) end

---Parses the template in a file. The template's name is the file name without the directory.
---
---```lua
---write_file("page.html", "<p>{{.}}</p>")
---assert(template.parse_file("page.html").execute(1 < 2) == "<p>true</p>")
---```
---@param path string
---@param options? { delimiters?: string[], missing?: "default"|"zero"|"error" }
---@return Template? template nil if the file cannot be read or is invalid
---@return string? message the error
function template.parse_file(path, options) end

---Parses multiple files to one template; the first is executed. Each can use the others by their
---file names without the directory, and the templates that they define.
---
---```lua
---write_file("page.html", '<h1>{{.}}</h1>{{template "foot.html"}}')
---write_file("foot.html", "<hr>")
---assert(template.parse_files("page.html", "foot.html").execute("Hi") == "<h1>Hi</h1><hr>")
---```
---@param ... string|string[]|table the paths, or a list of them; then perhaps options, as for `template.parse`
---@return Template? template nil if a file cannot be read or is invalid
---@return string? message the error
function template.parse_files(...) end

---Parses the files that match a pattern (see `glob`), in the order of their paths, as
---`template.parse_files`.
---
---```lua
---write_file("a.html", '{{template "b.html" .}}')
---write_file("b.html", "<b>{{.}}</b>")
---assert(template.parse_glob("*.html").execute("x") == "<b>x</b>")
---```
---@param pattern string
---@param options? { delimiters?: string[], missing?: "default"|"zero"|"error" }
---@return Template? template nil if no file matches, or one cannot be read or is invalid
---@return string? message the error
function template.parse_glob(pattern, options) end

---Renders the template. Tables that are lists can be ranged over and indexed; others have fields. A
---value that cannot be rendered, such as a function, a string that is not valid UTF-8 or a table
---that contains itself, is an error that names the path. A template that fails returns nil and the
---reason, and so does output of more than 64 MiB.
---
---```lua
---local list = template.parse("{{range $i, $name := .names}}{{if $i}}, {{end}}{{$name}}{{end}}")
---assert(list:execute({ names = { "Ann", "Tom" } }) == "Ann, Tom")
---```
---@param data any
---@return string? text nil if the template fails
---@return string? message why
function Template:execute(data) end

---Renders one of the templates that are defined in this one.
---
---```lua
---local all = template.parse('{{define "bold"}}<b>{{.}}</b>{{end}}')
---assert(all:execute_template("bold", "x") == "<b>x</b>")
---```
---@param name string
---@param data any
---@return string? text nil if the template fails
---@return string? message why
function Template:execute_template(name, data) end

---The sorted names of the templates that are defined in this one.
---
---```lua
---local all = template.parse('{{define "a"}}1{{end}}{{define "b"}}2{{end}}')
---assert(table.concat(all:templates(), " ") == "a b")
---```
---@return string[] names
function Template:templates() end

---Marks a string as trusted HTML: it is not escaped in HTML. Never use this for untrusted input.
---
---```lua
---local page = template.parse("<p>{{.}}</p>")
---assert(page.execute(template.html("<b>x</b>")) == "<p><b>x</b></p>"
---  and page.execute("<b>") == "<p>&lt;b&gt;</p>")
---```
---@param text string
---@return userdata trusted
function template.html(text) end

---Marks a string as trusted attributes with their values.
---
---```lua
---assert(template.parse("<p {{.}}>").execute(template.attribute('dir="ltr"')) == '<p dir="ltr">')
---```
---@param text string
---@return userdata trusted
function template.attribute(text) end

---Marks a string as trusted CSS.
---
---```lua
---assert(template.parse('<p style="{{.}}">').execute(template.css("color: red"))
---  == '<p style="color: red">')
---```
---@param text string
---@return userdata trusted
function template.css(text) end

---Marks a string as a trusted JavaScript expression.
---
---```lua
---assert(template.parse("<script>{{.}}</script>").execute(template.js("f(1)"))
---  == "<script>f(1)</script>")
---```
---@param text string
---@return userdata trusted
function template.js(text) end

---Marks a string as the trusted contents of a JavaScript string.
---
---```lua
---assert(template.parse('<script>f("{{.}}")</script>').execute(template.js_string("\\x41"))
---  == '<script>f("\\x41")</script>')
---```
---@param text string
---@return userdata trusted
function template.js_string(text) end

---Marks a string as a trusted value of the attribute `srcset`.
---
---```lua
---assert(template.parse('<img srcset="{{.}}">').execute(template.srcset("a.png 2x"))
---  == '<img srcset="a.png 2x">')
---```
---@param text string
---@return userdata trusted
function template.srcset(text) end

---Marks a string as a trusted URL of any scheme.
---
---```lua
---assert(template.parse('<a href="{{.}}">').execute(template.url("app:open"))
---  == '<a href="app:open">')
---```
---@param text string
---@return userdata trusted
function template.url(text) end
