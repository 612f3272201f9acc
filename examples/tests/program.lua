-- Runs the examples as a user does in a shell, for the tests next to this file:
--
--   solvm test examples        in the directory that contains `examples`; on Unix
local program = {}

-- The command that runs the tests also runs the examples.
program.solvm = arg[-1]

local function quoted(words)
  return table.concat(tablex.map(words, function(word)
    return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
  end), " ")
end

-- The command that runs an example. Processes that a failed test leaves end on their own.
local function command(name, ...)
  return quoted({ program.solvm, "-timeout", "60s", "examples/" .. name .. ".lua", ... })
end

-- Runs an example to its end: returns its output on both streams, and its exit code.
function program.run(...)
  local pipe = io.popen(command(...) .. " 2>&1; printf '\\n%d\\n' $?")
  local output, code = pipe:read("*a"):match("^(.*)\n(%d+)\n$")
  pipe:close()
  return output, tonumber(code)
end

-- Starts an example, calls a function with it, and ends it. `example:line()` returns the next line
-- of output.
function program.with(words, use)
  local pipe = io.popen("echo $$; exec " .. command(unpack(words)) .. " 2>&1")
  local process = pipe:read("*l")
  local example = {}
  function example:line()
    return pipe:read("*l")
  end
  local done, problem = pcall(use, example)
  os.execute("kill " .. process)
  pipe:close()
  if not done then
    error(problem, 0)
  end
end

-- Calls a function with the path of a new directory, which is removed afterwards.
function program.in_folder(use)
  local folder = os.tmpname()
  os.remove(folder)
  assert(mkdir(folder))
  local done, problem = pcall(use, folder)
  remove(folder, true)
  if not done then
    error(problem, 0)
  end
end

return program
