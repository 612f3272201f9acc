-- Example 29, in the section "Additional Modules / TOML Module".
-- stdout: PASS

-- The example:
-- Encode table to TOML
local toml_str = toml.encode({
    title = "Example",
    owner = {
        name = "John Doe",
        age = 30
    }
})

-- Decode TOML to table
local decoded = toml.decode(toml_str)

-- After the example:
assert(decoded.title == "Example" and decoded.owner.age == 30)
assert(toml_str:find("[owner]", 1, true))
print("PASS")
