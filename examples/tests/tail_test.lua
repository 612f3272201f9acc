local program = import("program")

test("new lines that match are printed", function()
  program.in_folder(function(folder)
    local file = folder .. "/log"
    write_file(file, "ERROR old\n")
    program.with({ "tail", file, "^ERROR" }, function(tail)
      -- It starts at the end of the existing contents: its first output shows that it has started.
      local began = false
      go(function()
        while not began do
          append_file(file, "ERROR begin\n")
          sleep(0.05)
        end
      end)
      check.equal(tail:line(), "ERROR begin")
      began = true
      wait()
      append_file(file, "INFO no\nERROR one\nERR")
      sleep(0.2)
      append_file(file, "OR two\n")
      local line
      repeat line = tail:line() until line ~= "ERROR begin"
      check.equal(line, "ERROR one")
      check.equal(tail:line(), "ERROR two")
    end)
  end)
end)

test("it goes on with a new file", function()
  program.in_folder(function(folder)
    local file = folder .. "/log"
    write_file(file, "first\n")
    program.with({ "tail", "--all", file }, function(tail)
      check.equal(tail:line(), "first")
      rename(file, file .. ".1")
      write_file(file, "a second file, longer\n")
      check.equal(tail:line(), "a second file, longer")
      io.open(file, "w"):close()
      sleep(0.2)
      append_file(file, "2\n")
      check.equal(tail:line(), "2")
      append_file(file, "3\n")
      check.equal(tail:line(), "3")
    end)
  end)
end)

test("a file may be missing at first", function()
  program.in_folder(function(folder)
    program.with({ "tail", "--all", folder .. "/log" }, function(tail)
      sleep(0.3)
      write_file(folder .. "/log", "here\n")
      check.equal(tail:line(), "here")
    end)
  end)
  local output, code = program.run("tail")
  check.matches(output, "^usage: ")
  check.equal(code, 2)
end)
