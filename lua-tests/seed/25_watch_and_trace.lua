-- Example 25, in the section "Debug Functions".
-- Run as script.lua, which `.ci/seed-examples` changes.

-- Watch a file for changes and reload when modified
watch_file("script.lua", function()
    print("Script modified, reloading...")
    reload_script()
end)

-- Print current stack trace
trace()
