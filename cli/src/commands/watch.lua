-- Runs the script, whose path is in the local `script`, again when a Lua file in its directory or
-- below changes.
local directory = script:match("^(.*)[/\\]") or "."
for _, path in ipairs(glob(directory .. "/**/*.lua")) do
  watch_file(path, reload_script)
end
