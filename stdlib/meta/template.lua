---@meta

---Texts with places that are filled in, in the syntax of Go's html/template. What is filled in is escaped as its place demands: in
---HTML text, attributes, URLs, JavaScript and CSS. An address such as `javascript:` becomes `#ZgotmplZ`.
---
---| action | gives |
---|---|---|
---| `{{.name}}` `{{.a.b}}` `{{.}}` | a field, a field of a field, the value itself |
---| `{{if x}} {{else if y}} {{else}} {{end}}` | one of the parts; false, nil, 0, "" and empty tables do not count |
---| `{{range x}} {{else}} {{end}}` | the part for each item of a list or field of a map; `{{range $i, $v := x}}`, where `$i` of a list counts from 0; `{{break}}`, `{{continue}}` |
---| `{{with x}} {{end}}` | the part with `.` being x |
---| `{{define "n"}} {{end}}`, `{{template "n" x}}`, `{{block "n" x}} {{end}}` | templates in templates; without an x they get `.` (in Go: nil) |
---| `{{$v := x}}` `{{x \| f a}}` `{{/* */}}` `{{-` `-}}` | variables, pipelines, comments, space taken away |
---| `and or not eq ne lt le gt ge len index slice print printf println html js urlquery` | functions |
---
---An empty table is a map without fields, `{}` in JavaScript. Functions of Lua cannot be called from a template. Its actions may be nested 100 deep, ranges 12; templates that
---call themselves cannot be used together with backquotes in scripts.
---
---```lua
---local page = template.parse('<a href="/find?q={{.query}}">{{.query}}</a>')
---assert(page.execute({ query = "a & b" }) == '<a href="/find?q=a%20%26%20b">a &amp; b</a>')
---```
---@class template
template = {}

---A template that has been parsed. Its field `name` is its name.
---@class Template
---@field name string
local Template = {}

---Parses a template. A text that is none gives nil and the reason with its name, line and column; whether the places make sense in
---HTML is looked at when it is filled.
---
---```lua
---local greeting = template.parse("Hello, <<.>>!", { delimiters = { "<<", ">>" } })
---assert(greeting.execute("World") == "Hello, World!")
---
---local nothing, message = template.parse("{{.x", { name = "page" })
---assert(nothing == nil and message == "template: page:1:5: unclosed action")
---```
---@param text string at most 16 MiB
---@param options? { name?: string, delimiters?: string[], missing?: "default"|"zero"|"error" } `delimiters`: what stands for `{{` and `}}`; `missing`: what a field that is not there gives: nothing, or an error
---@return Template? template nil if the text is wrong
---@return string? message what is wrong
function template.parse(text, options) end

---Parses the template in a file, whose name without the folder is the template's.
---
---```lua
---write_file("page.html", "<p>{{.}}</p>")
---assert(template.parse_file("page.html").execute(1 < 2) == "<p>true</p>")
---```
---@param path string
---@param options? { delimiters?: string[], missing?: "default"|"zero"|"error" }
---@return Template? template nil if the file cannot be read or is wrong
---@return string? message what is wrong
function template.parse_file(path, options) end

---Parses several files to one template, which begins with the first. Each can use the others by their names without the folder, and
---what they define.
---
---```lua
---write_file("page.html", '<h1>{{.}}</h1>{{template "foot.html"}}')
---write_file("foot.html", "<hr>")
---assert(template.parse_files("page.html", "foot.html").execute("Hi") == "<h1>Hi</h1><hr>")
---```
---@param ... string|string[]|table the paths, or a list of them; then perhaps options, as for `template.parse`
---@return Template? template nil if a file cannot be read or is wrong
---@return string? message what is wrong
function template.parse_files(...) end

---Parses the files that match a pattern (see `glob`), in the order of their paths, as `template.parse_files`.
---
---```lua
---write_file("a.html", '{{template "b.html" .}}')
---write_file("b.html", "<b>{{.}}</b>")
---assert(template.parse_glob("*.html").execute("x") == "<b>x</b>")
---```
---@param pattern string
---@param options? { delimiters?: string[], missing?: "default"|"zero"|"error" }
---@return Template? template nil if no file matches, or one cannot be read or is wrong
---@return string? message what is wrong
function template.parse_glob(pattern, options) end

---Fills the template in. Tables that are lists can be ranged over and indexed; others have fields. What cannot be shown, such as
---functions, strings that are no UTF-8 and tables that contain themselves, is an error that names the path to it. A template that
---fails gives nil and the reason, and so does a text of more than 64 MiB.
---
---```lua
---local list = template.parse("{{range $i, $name := .names}}{{if $i}}, {{end}}{{$name}}{{end}}")
---assert(list:execute({ names = { "Ann", "Tom" } }) == "Ann, Tom")
---```
---@param data any
---@return string? text nil if the template fails
---@return string? message why
function Template:execute(data) end

---Fills one of the templates in that are defined in this one.
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

---Marks a text as HTML that is to be trusted: it is not escaped where HTML is wanted. Never do this with what others have written.
---
---```lua
---local page = template.parse("<p>{{.}}</p>")
---assert(page.execute(template.html("<b>x</b>")) == "<p><b>x</b></p>" and page.execute("<b>") == "<p>&lt;b&gt;</p>")
---```
---@param text string
---@return userdata trusted
function template.html(text) end

---Marks a text as attributes with their values that are to be trusted.
---
---```lua
---assert(template.parse("<p {{.}}>").execute(template.attribute('dir="ltr"')) == '<p dir="ltr">')
---```
---@param text string
---@return userdata trusted
function template.attribute(text) end

---Marks a text as CSS that is to be trusted.
---
---```lua
---assert(template.parse('<p style="{{.}}">').execute(template.css("color: red")) == '<p style="color: red">')
---```
---@param text string
---@return userdata trusted
function template.css(text) end

---Marks a text as an expression of JavaScript that is to be trusted.
---
---```lua
---assert(template.parse("<script>{{.}}</script>").execute(template.js("f(1)")) == "<script>f(1)</script>")
---```
---@param text string
---@return userdata trusted
function template.js(text) end

---Marks a text as what stands between quotes in JavaScript, to be trusted.
---
---```lua
---assert(template.parse('<script>f("{{.}}")</script>').execute(template.js_string("\\x41")) == '<script>f("\\x41")</script>')
---```
---@param text string
---@return userdata trusted
function template.js_string(text) end

---Marks a text as a value of the attribute `srcset` that is to be trusted.
---
---```lua
---assert(template.parse('<img srcset="{{.}}">').execute(template.srcset("a.png 2x")) == '<img srcset="a.png 2x">')
---```
---@param text string
---@return userdata trusted
function template.srcset(text) end

---Marks a text as an address that is to be trusted, whatever its scheme.
---
---```lua
---assert(template.parse('<a href="{{.}}">').execute(template.url("app:open")) == '<a href="app:open">')
---```
---@param text string
---@return userdata trusted
function template.url(text) end
