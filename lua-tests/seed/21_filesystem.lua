-- Example 21, in the section "Custom Functions / Filesystem Functions".
-- stdout: hello
-- stdout: Name: a.txt
-- stdout: Is directory: false
-- stdout: Size: 1
-- stdout: Mode: -rw
-- stdout: Modified:
-- stdout: PASS

-- The example:
-- Read file content
local content = read_file("path/to/file.txt")
print(content)

-- Write content to file
write_file("path/to/file.txt", "Hello, World!")

-- List directory contents
local files = list_dir("path/to/directory")
for _, file in ipairs(files) do
    print("Name:", file.name)
    print("Is directory:", file.is_dir)
    print("Size:", file.size)
    print("Mode:", file.mode)
    print("Modified:", file.mod_time)
end

-- After the example:
assert(read_file("path/to/file.txt") == "Hello, World!")
print("PASS")
