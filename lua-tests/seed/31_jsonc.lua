-- Example 31, in the section "Additional Modules / JSONC Module".
-- stdout: PASS

-- The example:
-- Decode JSONC (JSON with comments)
local jsonc_str = [[
{
    // This is a comment
    "name": "Example",
    /* This is a block comment */
    "config": {
        "debug": true
    }
}
]]
local decoded = jsonc.decode(jsonc_str)

-- Encode table to JSONC
local encoded = jsonc.encode(decoded)

-- After the example:
assert(decoded.name == "Example" and decoded.config.debug == true)
assert(json_decode(encoded).config.debug == true)
print("PASS")
