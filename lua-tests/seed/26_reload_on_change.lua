-- Example 26, in the section "Debug Functions".
-- `.ci/seed-examples` changes config.lua.

-- The example:
-- Watch and auto-reload
watch_file("config.lua", function()
    print("Config changed, reloading...")
    reload_script()
end)

-- Debug stack trace
function some_function()
    trace()  -- Will print the current call stack
end

-- After the example:
some_function()
