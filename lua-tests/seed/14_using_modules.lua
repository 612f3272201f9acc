-- Example 14, in the section "Module System".
-- Talked to by `.ci/seed-examples`.
-- stdout: 8
-- stdout: PASS

-- The example:
-- Local import
import("math_utils")
local result = math_utils.add(5, 3)
print(result) -- Output: 8

-- Remote import
import("https://raw.githubusercontent.com/username/repo/main/utils.lua")
local remote_result = utils.some_function()

-- After the example:
assert(math_utils.subtract(5, 3) == 2)
assert(remote_result == "remote")
import("https://raw.githubusercontent.com/username/repo/main/utils.lua")
print("PASS")
