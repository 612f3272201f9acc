-- Example 28, in the section "Additional Modules / Random Module".
-- stdout: PASS

-- The example:
-- Generate random number between 0 and 1
local random_num = random.number()

-- Generate random integer between min and max
local random_int = random.int(1, 100)

-- Generate random string of specified length
local random_str = random.string(10)

-- After the example:
assert(random_num >= 0 and random_num < 1)
assert(random_int >= 1 and random_int <= 100 and random_int % 1 == 0)
assert(#random_str == 10)
print("PASS")
