-- Example 27, in the section "Additional Modules / UUID Module".
-- stdout: PASS

-- The example:
-- Generate UUID v4
local uuid1 = uuid.v4()
local uuid2 = uuid.v4_without_hyphens()

-- Validate UUID
local is_valid = uuid.is_valid(uuid1)

-- After the example:
local four = "^%x+%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-%x+$"
assert(#uuid1 == 36 and uuid1:find(four))
assert(#uuid2 == 32 and uuid2:find("^%x+$"))
assert(is_valid == true and uuid.is_valid("x") == false)
print("PASS")
