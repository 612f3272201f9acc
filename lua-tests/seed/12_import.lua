-- Example 12, in the section "Module System".
-- Talked to by `.ci/seed-examples`.
-- stdout: PASS

-- The example:
-- Import from local file
import("module_name")

-- Import from URL
import("https://raw.githubusercontent.com/user/repo/main/module.lua")

-- After the example:
assert(module_name.marker == "local")
print("PASS")
