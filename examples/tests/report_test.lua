local program = import("program")

local function request(page, status)
  local line = '127.0.0.1 - - [10/Oct/2024:13:55:36 +0200] "GET %s HTTP/1.1" %d 2326\n'
  return line:format(page, status)
end

test("reports follow the schedule", function()
  program.in_folder(function(folder)
    local log, report = folder .. "/access.log", folder .. "/report.txt"
    write_file(log,
      request("/", 200) .. request("/a?x=1", 200) .. request("/a", 404) .. "nonsense\n")
    program.with({ "report", log, report, "* * * * * *", 2 }, function(reporter)
      check.equal(reporter:line(), "report 1 is in " .. report)
      local text = read_file(report)
      check.matches(text, "^Report of %d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d\n")
      check.contains(text,
        "\nPages\n       2  /a\n       1  /\n\nAnswers\n       2  200\n       1  404\n")
      check.matches(text, "\n1 lines could not be read\n$")

      write_file(log, request("/new", 200))
      check.equal(reporter:line(), "report 2 is in " .. report)
      check.ok(read_file(report):find("\nPages\n       1  /new\n\nAnswers\n       1  200\n$"),
        read_file(report))
      check.equal(reporter:line(), nil, "after the last one it ends")
    end)
  end)
end)

test("a log that cannot be read is told, and the schedule goes on", function()
  program.in_folder(function(folder)
    local log, report = folder .. "/access.log", folder .. "/report.txt"
    program.with({ "report", log, report, "* * * * * *", 1 }, function(reporter)
      check.matches(reporter:line(), "access.log: No such file or directory")
      write_file(log, request("/", 200))
      local line
      repeat line = reporter:line() until not line:find("No such file", 1, true)
      check.equal(line, "report 1 is in " .. report)
    end)
  end)
  local output, code = program.run("report", "a", "b", "no schedule")
  check.equal(code, 1)
  check.matches(output, "bad argument #1 to 'cron'")
end)
