-- Converts between JSON, YAML and TOML.
--
--   solvm examples/convert.lua [--from FORMAT] [--to FORMAT] [INPUT] [OUTPUT]
--
--   solvm examples/convert.lua config.yaml config.json
--   solvm examples/convert.lua --from json --to yaml < data.json
--
-- Without a file, or with "-", it reads the standard input and writes to the standard output.
-- Formats are known by the ends of files' names, unless they are given.

local function fail(code, ...)
  io.stderr:write("convert: ", table.concat({ ... }), "\n")
  os.exit(code)
end

-- Null keeps its place where the other format has one, too.
local formats = {
  json = {
    decode = function(text) return json.decode(text, { null = json.null }) end,
    encode = function(value) return json.encode(value, { indent = 2 }) .. "\n" end,
  },
  yaml = {
    decode = function(text) return yaml.decode(text, { null = json.null }) end,
    encode = yaml.encode,
  },
  toml = toml,
}
formats.yml = formats.yaml

-- The options and the files.
local chosen, files = {}, {}
local place = 1
while arg[place] do
  local option = arg[place]:match("^%-%-(%a+)$")
  if option == "from" or option == "to" then
    place = place + 1
    chosen[option] = arg[place] or fail(2, "--", option, " needs a format")
  elseif option then
    fail(2, "unknown option --", option)
  else
    files[#files + 1] = arg[place]
  end
  place = place + 1
end

local function format_of(option, path)
  local name = chosen[option] or (path or ""):match("%.(%a+)$")
    or fail(2, "which format? Say --", option, " json|yaml|toml")
  return formats[name:lower()]
    or fail(2, "unknown format '", name, "' (there are json, yaml, toml)")
end

local input, output = files[1] or "-", files[2] or "-"
local from, to = format_of("from", input), format_of("to", output)

local content, problem
if input == "-" then
  content = io.read("*a")
else
  content, problem = read_file(input)
  if not content then fail(1, problem) end
end

local value
value, problem = from.decode(content)
if problem then fail(1, input, ": ", problem) end

-- A value that the other format cannot represent is an error that names the path to it.
local encoded, text = pcall(to.encode, value)
if not encoded then fail(1, input, ": ", text) end

if output == "-" then
  io.write(text)
else
  local written
  written, problem = write_file(output, text)
  if not written then fail(1, problem) end
end
