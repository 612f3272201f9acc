-- Example 35, in the section "Custom Functions / Scheduler Functions": the format and its examples.
-- stdout: PASS

local listed = {
    "0 * * * * *", -- Every minute
    "0 0 * * * *", -- Every hour
    "0 0 0 * * *", -- Every day at midnight
    "0 0 12 * * *", -- Every day at noon
    "0 0 0 1 * *", -- First day of every month
    "0 0 0 * * 0", -- Every Sunday
}
for _, expression in ipairs(listed) do
    clear_cron(cron(expression, function() end))
end
for _, wrong in ipairs({ "60 * * * * *", "0 60 * * * *", "0 0 24 * * *", "0 0 0 32 * *",
    "0 0 0 * 13 *", "0 0 0 * * 8" }) do
    assert(not pcall(cron, wrong, print), wrong)
end
local ticks = chan()
local every_second = cron("* * * * * *", function() send(ticks, os.time()) end)
local first = receive(ticks)
assert(receive(ticks) == first + 1)
clear_cron(every_second)
print("PASS")
