---@meta

---Tables of text (CSV, RFC 4180), from and to Lua values and files. All fields that are read are strings.
---
---```lua
---local rows = csv.parse('name,age\r\n"Doe, John",30\r\n', { header = true })
---assert(rows[1].name == "Doe, John" and rows[1].age == "30")
---```
---@class csv
csv = {}

---Reads rows. Fields in double quotes may hold separators, line breaks, and quotes (written twice). Lines end with LF, CRLF or CR;
---empty ones are passed over; rows may have different numbers of fields.
---
---A quote that does not end, text behind one, and a quote inside of a field without quotes give nil and the reason with its line
---and column.
---
---```lua
---local rows = csv.parse("a;b\n1;2\n", { separator = ";" })
---assert(rows[2][1] == "1")
---
---local nothing, message = csv.parse('a\n"b')
---assert(nothing == nil and message == "unterminated quoted field at line 2, column 1")
---```
---@param text string
---@param options? { header?: boolean, separator?: string } `header`: the first row names the columns, and the other rows become tables with these keys (fields behind the last column have their numbers as keys); `separator`: one byte, a comma if left out
---@return table[]? rows nil if the text is wrong
---@return string? message what is wrong
function csv.parse(text, options) end

---Reads the rows of a file: see `csv.parse`.
---
---```lua
---csv.write("data.csv", { { "a", "b" }, { 1, 2 } })
---assert(csv.read("data.csv", { header = true })[1].b == "2")
---
---local nothing, message = csv.read("missing.csv")
---assert(nothing == nil and message == "missing.csv: No such file or directory")
---```
---@param path string
---@param options? { header?: boolean, separator?: string }
---@return table[]? rows nil if the file cannot be read or is wrong
---@return string? message what is wrong
function csv.read(path, options) end

---Writes rows, each a list of fields: strings, numbers, booleans, and nothing for nil or `json.null`. Fields that need quotes get
---them; lines end with CRLF.
---
---With `header` a first line names the columns, and rows may be tables with these keys. A field of another type is an error that
---names its row, as is what no list of rows has: a gap or a named field. What has a number as its key in a row with names stands behind
---the last column, as `csv.parse` reads it.
---
---```lua
---assert(csv.stringify({ { 1, 'say "hi"' } }) == '1,"say ""hi"""\r\n')
---
---local people = { { name = "Ann", age = 30 }, { name = "Tom" } }
---assert(csv.stringify(people, { header = { "name", "age" } }) == "name,age\r\nAnn,30\r\nTom,\r\n")
---```
---@param rows table[]
---@param options? { header?: boolean|string[], separator?: string } `header`: the names of the columns, or true for all keys that occur, sorted
---@return string text
function csv.stringify(rows, options) end

---Writes rows to a file, whole or not at all: see `csv.stringify`.
---
---```lua
---assert(csv.write("data.csv", { { "a", 1 } }) and read_file("data.csv") == "a,1\r\n")
---```
---@param path string
---@param rows table[]
---@param options? { header?: boolean|string[], separator?: string }
---@return boolean? written nil if the file cannot be written
---@return string? message why not
function csv.write(path, rows, options) end
