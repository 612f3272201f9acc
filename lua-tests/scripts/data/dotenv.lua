-- dotenv: the syntax of files, which variables are set and which are kept, invalid files.

os.setenv("SOLVM_HOME", "/home")
local text = [[
# comment
A=1
export B = two words # comment
C='single $A # kept'
D="double $A ${B} \"q\" \\ \n\t\$A \x" # comment
E=${SOLVM_HOME}/x-$A$ $
F=
G="several
lines"
H: colon
I=a#b
A=again
J=$A$UNKNOWN.
]]
local variables = assert(dotenv.parse(text))
local expected = {
    A = "again", B = "two words", C = "single $A # kept",
    D = 'double 1 two words "q" \\ \n\t$A \\x', E = "/home/x-1$ $", F = "", G = "several\nlines",
    H = "colon", I = "a#b", J = "again.",
}
for name, value in pairs(expected) do
    assert(variables[name] == value, name .. ": " .. tostring(variables[name]))
end
for name in pairs(variables) do
    assert(expected[name], name)
end
assert(os.getenv("J") == nil)

local function fails(text, message)
    local value, got = dotenv.parse(text)
    assert(value == nil and got == message, tostring(got))
end
fails("A", "'=' expected at line 1, column 2")
fails("=1", "variable name expected at line 1, column 1")
fails("\nA='x", "unterminated value at line 2, column 3")
fails('A="x\\', "unterminated value at line 1, column 3")
fails("A='x' y", "text after a quoted value at line 1, column 7")
fails("A=${x", "'}' expected at line 1, column 6")
local bomb = { "A0=" .. ("x"):rep(100) }
for i = 1, 30 do
    bomb[#bomb + 1] = ("A%d=$A%d$A%d"):format(i, i - 1, i - 1)
end
local nothing, message = dotenv.parse(table.concat(bomb, "\n"))
assert(nothing == nil and message:find("the values are too long", 1, true) == 1)
nothing, message = dotenv.parse(("#"):rep(2 ^ 20 + 1))
assert(nothing == nil and message == "input is larger than 1 MiB")

local path = os.tmpname()
local function write(text)
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
end
write("SOLVM_NEW=1\nSOLVM_HOME=other\n")
variables = assert(dotenv.load(path))
assert(variables.SOLVM_NEW == "1" and variables.SOLVM_HOME == "other")
assert(dotenv.get("SOLVM_NEW") == "1" and dotenv.get("SOLVM_HOME") == "/home"
    and os.getenv("SOLVM_NEW") == "1")
assert(dotenv.load(path, true) and dotenv.get("SOLVM_HOME") == "other")
assert(dotenv.get("SOLVM_MISSING") == nil and dotenv.get("SOLVM_MISSING", 5) == 5)
assert(dotenv.set("SOLVM_NEW", "2") == true and os.getenv("SOLVM_NEW") == "2")
nothing, message = dotenv.set("A=B", "x")
assert(nothing == nil and message)
write("A='")
nothing, message = dotenv.load(path)
assert(nothing == nil and message == path .. ": unterminated value at line 1, column 3")
os.remove(path)
nothing, message = dotenv.load(path)
assert(nothing == nil and message == path .. ": No such file or directory")
local ok, wrong = pcall(loadstring("dotenv.set('x')", "=code"))
assert(not ok and wrong == "code:1: bad argument #2 to 'set' (string expected, got no value)")
