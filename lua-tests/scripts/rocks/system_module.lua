-- system, as in luasystem 0.2.1 under lua5.1; what 0.4 added is tested if it exists.
if go then
    package.path = ""
end
local system = require "system"
assert(require("system.core").gettime and type(system._VERSION) == "string")
assert(math.abs(system.gettime() - os.time()) < 2)
local start = system.monotime()
system.sleep(0.02)
system.sleep(-1)
system.sleep(0)
local passed = system.monotime() - start
assert(passed >= 0.02 and passed < 5)
assert(not pcall(system.sleep, "x"))

if system.getenvs then
    assert(system.windows == (package.config:sub(1, 1) == "\\"))
    assert(system.setenv("SOLVM_TEST_VARIABLE", "value") == true)
    assert(system.getenv "SOLVM_TEST_VARIABLE" == "value")
    assert(system.getenvs().SOLVM_TEST_VARIABLE == "value")
    assert(os.getenv "SOLVM_TEST_VARIABLE" == "value")
    local child = io.popen "echo \"<$SOLVM_TEST_VARIABLE>\""
    assert(child:read "*l" == "<value>")
    child:close()
    assert(system.setenv("SOLVM_TEST_VARIABLE", nil) == true)
    assert(system.getenv "SOLVM_TEST_VARIABLE" == nil)
    assert(system.setenv("SOLVM_TEST_VARIABLE", nil) == true)
    assert(system.getenvs().SOLVM_TEST_VARIABLE == nil and system.getenv "PATH")
    -- Variables of the process itself.
    local path = system.getenv "PATH"
    assert(system.setenv("PATH") and system.getenv "PATH" == nil)
    assert(system.getenvs().PATH == nil and system.setenv("PATH", path))
    assert(system.getenv "PATH" == path)
    assert(system.setenv("", "x") == false and system.setenv("a=b", "x") == false)
    assert(not pcall(system.setenv, "x", {}) and not pcall(system.setenv, {}, "x"))

    assert(system.random(0) == "" and #system.random(1025) == 1025)
    assert(system.random(32) ~= system.random(32))
    local none, message = system.random(-1)
    assert(none == nil and message == "invalid number of bytes, must not be less than 0")

    local file = io.tmpfile()
    assert(system.isatty(file) == false)
    file:close()
    assert(not pcall(system.isatty, file) and not pcall(system.isatty, 1))
    assert(system.utf8cwidth "a" == 1 and system.utf8cwidth "\228\189\160x" == 2)
    assert(system.utf8swidth "ab\228\189\160" == 4 and system.utf8swidth "" == 0)
    local nothing, why = system.utf8cwidth "\7"
    assert(nothing == nil and why == "Control characters have no width")
end
print "ok"
