-- random and uuid: ranges, every value possible, invalid arguments.

local seen = {}
for _ = 1, 1000 do
    local x = random.number()
    assert(x >= 0 and x < 1)
    local i = random.int(-2, 2)
    assert(i >= -2 and i <= 2 and i % 1 == 0)
    seen[i] = true
end
for i = -2, 2 do
    assert(seen[i])
end
assert(random.int(7, 7) == 7)
local far = random.int(-2 ^ 53, 2 ^ 53)
assert(far >= -2 ^ 53 and far <= 2 ^ 53)
assert(random.string(10):find("^%w%w%w%w%w%w%w%w%w%w$") and random.string(0) == ""
    and random.string(20) ~= random.string(20))
assert(random.string(2000, "ab"):find("^[ab]+$") and #random.string(2000, "ab") == 2000
    and random.string(3, "x") == "xxx")
-- Without bias: each of 62 characters about 1000 times.
local counts = {}
random.string(62000):gsub(".", function(c) counts[c] = (counts[c] or 0) + 1 end)
for c, count in pairs(counts) do
    assert(count > 800 and count < 1200, c .. count)
end

local id = uuid.v4()
assert(id:find("^%x%x%x%x%x%x%x%x%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$")
    and id ~= uuid.v4())
assert(uuid.is_valid(id) and uuid.is_valid(id:upper()) and uuid.is_valid(uuid.v4_without_hyphens()))
assert(uuid.v4_without_hyphens():find("^%x+$") and #uuid.v4_without_hyphens() == 32)
assert(uuid.is_valid("00000000-0000-0000-0000-000000000000"))
for _, text in ipairs({
    "", "x", id .. "0", id:sub(2), id:gsub("%-", "_"), "{" .. id .. "}", id:sub(1, -2) .. "g",
    ("\255"):rep(36), "urn:uuid:" .. id,
}) do
    assert(not uuid.is_valid(text), text)
end

local function raises(code, message)
    local ok, got = pcall(assert(loadstring(code, "=code")))
    assert(not ok and got == "code:1: " .. message, tostring(got))
end
raises("random.int(1.5, 2)", "bad argument #1 to 'int' (integer expected, got 1.5)")
raises("random.int(0, 0/0)", "bad argument #2 to 'int' (integer expected, got nan)")
raises("random.int(0, 1/0)", "bad argument #2 to 'int' (integer expected, got inf)")
raises("random.int(2, 1)", "bad argument #2 to 'int' (interval is empty)")
raises("random.int(1)", "bad argument #2 to 'int' (integer expected, got no value)")
raises("random.string(-1)", "bad argument #1 to 'string' (length must be between 0 and 1048576)")
raises("random.string(1, '')", "bad argument #2 to 'string' (alphabet must have 1 to 256 bytes)")
raises("uuid.is_valid(nil)", "bad argument #1 to 'is_valid' (string expected, got nil)")
