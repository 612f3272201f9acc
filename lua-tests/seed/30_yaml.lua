-- Example 30, in the section "Additional Modules / YAML Module".
-- stdout: PASS

-- The example:
-- Encode table to YAML
local yaml_str = yaml.encode({
    name = "Example",
    version = "1.0",
    config = {
        debug = true
    }
})

-- Decode YAML to table
local decoded = yaml.decode(yaml_str)

-- After the example:
assert(decoded.name == "Example" and decoded.version == "1.0")
assert(decoded.config.debug == true)
print("PASS")
