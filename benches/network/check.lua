-- For wrk: checks every body, and prints how many were invalid.

local wrong = 0
local expected = "Hello from /some/path"

function setup(thread)
    checked = thread
end

function response(status, headers, body)
    if status ~= 200 or body ~= expected then wrong = wrong + 1 end
    counted = wrong
end

function done(summary)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    print("wrong: " .. (checked:get("counted") or summary.requests) + failed)
end
