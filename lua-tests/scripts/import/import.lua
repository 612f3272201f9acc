-- import: by name, by path, directories, archives; what becomes global; cycles.
local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and tostring(message):find(text, 1, true), tostring(message))
end
local root = os.tmpname()
os.remove(root)
assert(mkdir(root))
local function at(name) return root .. "/" .. name end
local function module(name, text)
  assert(mkdir((at(name):gsub("/[^/]*$", "")), true))
  assert(write_file(at(name), text))
end

-- In `modules` of the project, next to the script, by path; each runs once. The project is the
-- directory of the script, or a parent directory that contains one.
module("project/modules/counted.lua", "runs = (runs or 0) + 1 return { name = ... }")
module("project/pack/one.lua", "return { value = 1 }")
module("project/pack/two.lua",
  "return { value = 2, one = import('one'), counted = import('counted') }")
module("project/main.lua", [[
local counted = import("counted")
assert(counted == _G.counted and counted.name == "counted" and runs == 1)
assert(import("counted") == counted and import("modules/counted") == counted)
assert(import("./modules/counted.lua") == counted)
assert(import("pack/").one == import("pack/one") and one.value == 1)
assert(pack.two.value == 2 and pack.two.one == one)
assert(pack.two.counted == counted and runs == 1)
print("fine")
]])
module("project/examples/test.lua",
  'assert(import("counted").name == "counted" and runs == 1) print("fine")')
local solvm = arg[0]
for i = -1, -20, -1 do
  solvm = arg[i] or solvm
end
for command, script in pairs {
  ["cd /"] = at("project/main.lua"), ["cd " .. at("project")] = "examples/test.lua",
} do
  local pipe = io.popen(command .. " && " .. solvm .. " " .. script .. " 2>&1")
  local text = pipe:read("*a")
  pipe:close()
  assert(text == "fine\n", text)
end

-- A name with a directory, `init.lua`, absolute paths, the chunk's argument
module("lib/a.lua", "return { name = ..., file = debug.getinfo(1, 'S').source }")
local a = import(at("lib/a"))
assert(_G.a == a and a.name == "a" and a.file == "@" .. at("lib/a.lua"))
module("lib/thing/init.lua", "return { inner = import('inner') }")
module("lib/thing/inner.lua", "return 'inner'")
assert(import(at("lib/thing")).inner == "inner" and thing.inner == "inner" and inner == "inner")
module("lib/dotted.name.lua", "return 5")
assert(import(at("lib/dotted.name")) == 5 and _G["dotted.name"] == 5)

-- A module searches its own directory first, also in a tail call.
module("lib/user.lua", "return import('helper')")
module("lib/helper.lua", "return 'beside'")
assert(import(at("lib/user")) == "beside" and user == "beside" and helper == "beside")

-- Modules that return nothing, or false
module("nothing.lua", "ran = (ran or 0) + 1")
nothing = "as it was"
assert(import(at("nothing")) == nil and import(at("nothing")) == nil and ran == 1
  and nothing == "as it was")
module("no.lua", "return false")
assert(import(at("no")) == false and no == false)

-- Globals of standard Lua stay; those of SolVM may be replaced.
local standard = { string = string, print = print, require = require, _G = _G, select = select }
for name, value in pairs(standard) do
  module("std/" .. name .. ".lua", "return 'mine'")
  assert(import(at("std/" .. name)) == "mine" and _G[name] == value)
end

-- Built-in modules, after the files
assert(import("json") == json and json.encode)
assert(import("string") == string)
package.preload.made_here = function(name) return { called = name } end
assert(import("made_here").called == "made_here" and made_here == require("made_here"))

-- Errors
fails("module 'missing_one' not found:\n\tno file '", function() import("missing_one") end)
fails("/missing_one.lua'\n\tno file '", function() import("missing_one") end)
fails("no built-in module", function() import("missing_one") end)
local line = debug.getinfo(1, "l").currentline + 1
fails("import.lua:" .. line .. ": module 'x/y' not found", function() import("x/y") end)
fails("directory 'missing' not found:\n\tno directory '", function() import("missing/") end)
fails("archive 'missing.zip' not found:\n\tno file '", function() import("missing.zip") end)
fails("bad argument #1 to 'import' (the name is empty)", function() import("") end)
fails("bad argument #1 to 'import' (the name has a NUL byte)", function() import("a\0b") end)
fails("bad argument #1 to 'import' (module name is not valid UTF-8)", function() import("\255") end)
fails("bad argument #1 to 'import' (string expected, got nil)", function() import(nil) end)
fails("bad argument #1 to 'import' ('github.com/x' is not github.com/owner/repository)", function()
  import("github.com/x")
end)
fails("bad argument #1 to 'import' ('http://': ", function() import("http://") end)
module("broken.lua", "local x = = 1")
fails("error loading module 'broken':\n\t" .. at("broken.lua") .. ":1: unexpected symbol near '='",
  import, at("broken"))
module("raises.lua", "\nerror('no luck')")
fails(at("raises.lua") .. ":2: no luck", import, at("raises"))
fails(at("raises.lua") .. ":2: no luck", import, at("raises"))
assert(mkdir(at("empty")))
fails("no Lua files in directory", import, at("empty/"))
module("binary.lua", "\27Luaxx")
fails("error loading module 'binary'", import, at("binary"))
local large = io.open(at("large.lua"), "w")
large:seek("set", 10 * 1024 * 1024)
large:write("x")
large:close()
fails("large.lua: larger than 10 MiB", import, at("large"))

-- A module that failed can be imported after it is corrected.
module("raises.lua", "return 'better'")
assert(import(at("raises")) == "better")

-- Cycles are errors that name the module.
module("round.lua", "return import('about')")
module("about.lua", "return import('round')")
fails("import cycle: '" .. at("round.lua") .. "' is already being imported", import, at("round"))
module("self.lua", "return import('self')")
fails("import cycle", import, at("self"))

-- Modules wait for each other: one runs, all get it; a cycle between goroutines is detected, too.
module("slow.lua", "slow_runs = (slow_runs or 0) + 1 sleep(0.05) return { slow_runs }")
local results = {}
for i = 1, 5 do
  go(function() results[i] = import(at("slow")) end)
end
wait()
for i = 1, 5 do
  assert(results[i] == results[1] and results[i][1] == 1)
end
module("left.lua", "sleep(0.02) return import('right')")
module("right.lua", "sleep(0.02) return import('left')")
local messages = {}
for _, name in ipairs { "left", "right" } do
  go(function()
    local ok, message = pcall(import, at(name))
    messages[#messages + 1] = not ok and message
  end)
end
wait()
assert(#messages == 2 and messages[1]:find("import cycle", 1, true)
  and messages[2]:find("import cycle", 1, true))

-- A module may yield.
module("yields.lua", "coroutine.yield('early') return 'late'")
local thread = coroutine.wrap(function() return import(at("yields")) end)
assert(thread() == "early" and thread() == "late")

-- metadata
module("described.lua", "metadata { name = 'described', version = '1.2' } return {}")
assert(metadata("described") == nil)
import(at("described"))
assert(metadata("described").version == "1.2" and metadata("never") == nil)
fails("bad argument #1 to 'metadata' (table or string expected, got nil)", function()
  metadata(nil)
end)

-- Archives: tables by file, members next to each other, directories inside.
local function zip(name, script)
  local python = "import zipfile\nwith zipfile.ZipFile('%s', 'w', zipfile.ZIP_DEFLATED) as z:\n%s\n"
  write_file(at("make.py"), python:format(at(name), script))
  assert(os.execute("python3 " .. at("make.py")) == 0)
end
zip("bundle.zip", [[
    z.writestr('first.lua',
        'return { second = import("second"), sub = import("sub/third"), name = ... }')
    z.writestr('second.lua', 'return "second"')
    z.writestr('sub/third.lua', 'return { up = import("../second") }')
    z.writestr('sub/readme.txt', 'no Lua')]])
local bundle = import(at("bundle.zip"))
assert(bundle == _G.bundle and bundle.first.second == "second" and bundle.second == "second"
  and bundle.third == nil)
assert(bundle.first.sub.up == "second" and bundle.first.name == "first")
assert(import(at("bundle.zip/sub")).third == bundle.first.sub)
assert(import(at("bundle.zip/sub/third")) == bundle.first.sub and third == bundle.first.sub)
zip("packed.zip", "    z.writestr('packed-1.0/main.lua', 'return \"main\"')\n"
  .. "    z.writestr('packed-1.0/test/t.lua', 'error(1)')")
assert(import(at("packed.zip")).main == "main", "the one folder at the top is left out")
zip("deep.zip", "    z.writestr('README', '')\n    z.writestr('lua/pl/x.lua', 'return 1')")
fails("no Lua files in '" .. at("deep.zip") .. "': try lua/pl", import, at("deep.zip"))
fails("no Lua files in '" .. at("deep.zip") .. "/other': try lua/pl", import, at("deep.zip/other"))
zip("out.zip", "    z.writestr('a/in.lua', 'return import(\"../../round\")')\n"
  .. "    z.writestr('../evil.lua', 'error(1)')\n    z.writestr('/abs.lua', 'return 1')\n"
  .. "    z.writestr('top.lua', 'return 1')")
assert(import(at("out.zip")).evil == nil)
fails("module '../../round' not found", import, at("out.zip/a/in"))
zip("bomb.zip", "    z.writestr('bomb.lua', b' ' * (11 << 20))")
fails("its Lua files are larger than 10 MiB", import, at("bomb.zip"))
write_file(at("fake.zip"), "PK no archive")
fails("cannot read " .. at("fake.zip") .. ": not a valid zip archive", import, at("fake.zip"))
write_file(at("empty.zip"), "")
fails("not a valid zip archive", import, at("empty.zip"))
assert(remove(root, true))
