-- Example 20, in the section "Custom Functions / Scheduler Functions".
-- Talked to by `.ci/seed-examples`.

-- Set an interval (runs every 5 seconds)
local interval_id = set_interval(function()
    print("Interval triggered!")
end, 5)

-- Set a timeout (runs after 3 seconds)
local timeout_id = set_timeout(function()
    print("Timeout triggered!")
end, 3)

-- Set a cron job (runs every minute)
local cron_id = cron("0 * * * * *", function()
    print("Cron job triggered!")
end)
