local program = import("program")

local VALUE = {
  name = "Example", list = { 1, 2.5, "three", false }, nested = { deep = { yes = true } },
}

test("files are converted as their names say", function()
  program.in_folder(function(folder)
    local function at(name) return folder .. "/" .. name end
    write_file(at("a.json"), json_encode(VALUE))
    for from, to in pairs({
      ["a.json"] = "b.yaml", ["b.yaml"] = "c.toml", ["c.toml"] = "d.json",
    }) do
      -- All formats are converted again from the start of the chain.
      write_file(at("b.yaml"), yaml.encode(VALUE))
      write_file(at("c.toml"), toml.encode(VALUE))
      local output, code = program.run("convert", at(from), at(to))
      check.equal(code, 0, output)
      check.equal(output, "")
    end
    check.same(yaml.decode(read_file(at("b.yaml"))), VALUE)
    check.same(toml.decode(read_file(at("c.toml"))), VALUE)
    check.same(json_decode(read_file(at("d.json"))), VALUE)
  end)
end)

test("the standard input is converted to the standard output", function()
  program.in_folder(function(folder)
    local file = folder .. "/input"
    write_file(file, '{"empty": {}, "none": null, "list": [1, null]}')
    local function converted(options)
      local pipe = io.popen(program.solvm .. " examples/convert.lua " .. options .. " < " .. file)
      local output = pipe:read("*a")
      pipe:close()
      return output
    end
    check.equal(converted("--from json --to yaml"),
      "empty: {}\nlist:\n  - 1\n  - null\nnone: null\n")
    check.equal(converted("--to yml --from JSON - -"),
      "empty: {}\nlist:\n  - 1\n  - null\nnone: null\n")
    write_file(file, "a: [1]\n")
    check.equal(converted("--from yaml --to json"), '{\n  "a": [\n    1\n  ]\n}\n')
  end)
end)

test("what is wrong is told", function()
  program.in_folder(function(folder)
    local function at(name) return folder .. "/" .. name end
    write_file(at("broken.json"), "{")
    write_file(at("null.json"), '{"a": null}')
    for _, case in ipairs({
      { 1, "missing.json: No such file or directory", at("missing.json"), at("x.yaml") },
      { 1, "broken.json: unexpected end", at("broken.json"), at("x.yaml") },
      { 1, "null.json: value.a: ", at("null.json"), at("x.toml") },
      { 2, "which format? Say --from json|yaml|toml", at("a"), at("x.json") },
      { 2, "unknown format 'xml'", "--to", "xml", at("broken.json") },
      { 2, "unknown option --into", "--into" },
      { 2, "--to needs a format", "--to" },
    }) do
      local output, code = program.run("convert", unpack(case, 3))
      check.equal(code, case[1], output)
      check.contains(output, case[2])
      check.ok(not exists(at("x.yaml")) and not exists(at("x.toml")))
    end
  end)
end)
