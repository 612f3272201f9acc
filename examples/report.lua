-- A report on a schedule: how often each page of a web server was requested, and the statuses, from
-- the server's log.
--
--   solvm examples/report.lua LOG REPORT [SCHEDULE] [COUNT]
--
--   solvm examples/report.lua access.log report.txt "0 0 6 * * *"        every morning at six
--
-- The schedule has six fields, of which the first is the second (default "@hourly"). After COUNT
-- reports it ends. The log has lines of the common format: 127.0.0.1 - - [10/Oct/2024:13:55:36
-- +0200] "GET /index.html HTTP/1.1" 200 2326

local log, report = arg[1], arg[2]
local schedule, count = arg[3] or "@hourly", tonumber(arg[4] or math.huge)
if not (log and report and count) then
  io.stderr:write("usage: solvm report.lua LOG REPORT [SCHEDULE] [COUNT]\n")
  os.exit(2)
end

-- Counts the lines of the log. Lines in another format are counted as such.
local function read_log()
  local pages, statuses, strange = {}, {}, 0
  for line in io.lines(log) do
    local page, status = line:match('"%u+ ([^ ?"]+)[^"]*" (%d%d%d) ')
    if page then
      pages[page] = (pages[page] or 0) + 1
      statuses[status] = (statuses[status] or 0) + 1
    else
      strange = strange + 1
    end
  end
  return pages, statuses, strange
end

-- The lines of a table, sorted by descending numbers.
local function ranking(counts)
  local names = tablex.keys(counts)
  table.sort(names, function(a, b)
    if counts[a] ~= counts[b] then return counts[a] > counts[b] end
    return a < b
  end)
  local lines = tablex.map(names, function(name) return ("%8d  %s"):format(counts[name], name) end)
  return table.concat(lines, "\n")
end

local function write_report()
  local pages, statuses, strange = read_log()
  local text = ("Report of %s\n\nPages\n%s\n\nAnswers\n%s\n"):format(
    datetime.format(datetime.now(), datetime.DateTime), ranking(pages), ranking(statuses))
  if strange > 0 then
    text = text .. "\n" .. strange .. " lines could not be read\n"
  end
  assert(write_file(report, text))
end

local written = 0
local id
id = cron(schedule, function()
  local done, problem = pcall(write_report)
  if not done then
    -- A log that cannot be read today may be readable tomorrow.
    io.stderr:write(tostring(problem), "\n")
    return
  end
  written = written + 1
  print("report " .. written .. " is in " .. report)
  if written >= count then
    clear_cron(id)
  end
end)
