-- progress: its arguments, and that it prints nothing without a terminal (the runner's standard
-- error is not a terminal).
local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and tostring(message):find(text, 1, true), tostring(message))
end

local bar = progress(3, "three")
bar:advance()
bar.advance(2)
bar:label("other")
bar:set(0)
assert(bar:advance() == nil)
bar:finish()
bar:finish()
bar:clear()
bar:advance()

progress():clear()
progress(nil, { unit = "bytes" }).finish()
progress(0, { label = "\255\n" }):finish()
do local forgotten = progress(10) end
collectgarbage()

fails("bad argument #1 to 'progress' (must not be negative)", function() progress(-1) end)
fails("bad argument #1 to 'progress' (finite number expected)", function() progress(0 / 0) end)
fails("bad argument #1 to 'progress' (number expected, got table)", function() progress({}) end)
fails("bad argument #2 to 'progress' (string or table expected, got boolean)", function() progress(1, true) end)
fails("unknown option 'total' (expected one of label, unit)", function() progress(1, { total = 1 }) end)
fails("(finite number expected)", function() bar:advance(1 / 0) end)
fails("(number expected, got no value)", function() bar:set() end)
fails("(string expected, got nil)", function() bar:label(nil) end)

-- Functions of libraries have an option to disable it.
local root = os.tmpname()
os.remove(root)
assert(mkdir(root))
assert(write_file(root .. "/a", "text"))
assert(ft.copy(root .. "/a", root .. "/b", { progress = false }))
assert(ft.move(root .. "/b", root .. "/c", { progress = false }))
assert(tar.create(root .. "/c.tar", root .. "/c", { progress = false, compress = true }))
assert(read_file(root .. "/c.tar"):sub(1, 2) == "\31\139")
assert(tar.create(root .. "/plain.tar", root .. "/c", false))
assert(tar.extract(root .. "/c.tar", root .. "/out", { progress = false }) and read_file(root .. "/out/c") == "text")
fails("bad argument #3 to 'create' (boolean or table expected, got string)", function() tar.create("a", "b", "gz") end)
fails("option 'progress': boolean expected, got string", function() ft.copy("a", "b", { progress = "no" }) end)
fails("unknown option 'compres' (expected one of compress, progress)", function() tar.create("a", "b", { compres = true }) end)
assert(remove(root, true))
