---@meta

---Reads and writes CSV (RFC 4180), in strings and files. All fields that are read are strings.
---
---```lua
---local rows = csv.parse('name,age\r\n"Doe, John",30\r\n', { header = true })
---assert(rows[1].name == "Doe, John" and rows[1].age == "30")
---```
---@class csv
csv = {}

---Reads rows. Fields in double quotes may contain separators, line breaks, and quotes (written
---twice). Lines end with LF, CRLF or CR; empty lines are skipped; rows may have different numbers
---of fields.
---
---An unterminated quote, text after a quoted field, and a quote inside an unquoted field return nil
---and the reason with its line and column.
---
---```lua
---local rows = csv.parse("a;b\n1;2\n", { separator = ";" })
---assert(rows[2][1] == "1")
---
---local nothing, message = csv.parse('a\n"b')
---assert(nothing == nil and message == "unterminated quoted field at line 2, column 1")
---```
---@param text string
---@param options? { header?: boolean, separator?: string } `header`: the first row names the columns, and the other rows become tables with these keys (fields after the last column have their numbers as keys); `separator`: one byte (default a comma)
---@return table[]? rows nil if the input is invalid
---@return string? message the error
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
---@return table[]? rows nil if the file cannot be read or is invalid
---@return string? message the error
function csv.read(path, options) end

---Writes rows, each a list of fields: strings, numbers, booleans; nil and `json.null` are written
---as empty fields. Fields are quoted where needed; lines end with CRLF.
---
---With `header`, the first line names the columns, and rows may be tables with these keys. A field
---of another type is an error that names its row, and so is a list of rows with a gap or a named
---field. Fields with numeric keys in a row with names are written after the last column, as
---`csv.parse` reads them.
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

---Writes rows to a file, atomically: see `csv.stringify`.
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
