-- Names, paths, URLs, hosts, modes and options have at most 64 KiB, which is checked first.

local longest, long = ("x"):rep(65536), ("\255"):rep(65537)

local function refused(reason, f, ...)
    local ok, message = pcall(f, ...)
    assert(not ok and message:find(reason, 1, true), tostring(message))
    assert(#message < 1000, #message)
end
local too_long = "string of 65537 bytes is too long (at most 65536)"

-- Names within the limit reach the OS.
local file, message = io.open(longest)
assert(file == nil and message:find("name too long", 1, true), message)

-- A message names the problem, for absent and other values as before.
refused("bad argument #1 to 'open' (" .. too_long .. ")", function() io.open(long) end)
refused("bad argument #1 to 'open' (string expected, got no value)", function() io.open() end)
refused("bad argument #1 to 'open' (string expected, got table)", function() io.open({}) end)
assert(io.open(12345) == nil)

-- In tables of options, in lists of paths and in the fields of headers.
refused(too_long, udp_recvfrom, 0, { host = long })
refused(too_long, tar.create, "x.tar", { "x", long })
refused(too_long, http_get, "http://127.0.0.1:1/", { headers = { x = long } })
refused(too_long, http_post, "http://127.0.0.1:1/", "", long)

-- Names built from names have the same limit.
refused("longer than 65536 bytes", package.searchpath, ("."):rep(6e4), "?", ".", ("x"):rep(6e4))
refused("longer than 65536 bytes", package.searchpath, ("x"):rep(6e4), ("?"):rep(6e4))
local path = package.path
package.path = ("?"):rep(1e6)
refused("'package.path': string of 1000000 bytes is too long", require, "no such module")
package.path = path

-- Strings that are not names may be of any length: a chunk is its own name.
assert(loadstring("return 1 --" .. long)() == 1)
assert(load("return 1", long)() == 1)
