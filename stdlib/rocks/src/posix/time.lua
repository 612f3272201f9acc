-- posix: times. A broken-down time has months from 0, and years from 1900.
local time = { CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1, CLOCK_PROCESS_CPUTIME_ID = 2 }
modules["posix.time"] = time

function time.time()
    return (natives.now())
end

local function broken_down(format, seconds)
    local date = os.date(format, seconds or time.time())
    return {
        tm_sec = date.sec, tm_min = date.min, tm_hour = date.hour, tm_mday = date.day,
        tm_mon = date.month - 1, tm_year = date.year - 1900, tm_wday = date.wday - 1,
        tm_yday = date.yday - 1, tm_isdst = date.isdst and 1 or 0,
    }
end

function time.gmtime(seconds)
    return broken_down("!*t", seconds)
end

function time.localtime(seconds)
    return broken_down("*t", seconds)
end

function time.mktime(date)
    return os.time {
        sec = date.tm_sec, min = date.tm_min, hour = date.tm_hour, day = date.tm_mday,
        month = date.tm_mon + 1, year = date.tm_year + 1900,
        isdst = date.tm_isdst ~= nil and date.tm_isdst > 0 or nil,
    }
end

-- The time is taken as it is, in no time zone.
function time.strftime(format, date)
    date = date or time.localtime()
    local year, month = date.tm_year + 1900, date.tm_mon + 1
    -- Days since 1970, by the calendar that starts in March.
    local shifted = month <= 2 and year - 1 or year
    local day_of_year = math.floor((153 * ((month + 9) % 12) + 2) / 5) + date.tm_mday - 1
    local days = 365 * shifted + math.floor(shifted / 4) - math.floor(shifted / 100)
        + math.floor(shifted / 400) + day_of_year - 719468
    local seconds = days * 86400 + date.tm_hour * 3600 + date.tm_min * 60 + date.tm_sec
    return os.date("!" .. format, seconds)
end

function time.clock_gettime(clock)
    if clock == time.CLOCK_MONOTONIC then
        local seconds, nanoseconds = natives.monotonic()
        return { tv_sec = seconds, tv_nsec = nanoseconds }
    elseif clock == time.CLOCK_PROCESS_CPUTIME_ID then
        local used = os.clock()
        return { tv_sec = math.floor(used), tv_nsec = math.floor(used % 1 * 1e9) }
    elseif clock ~= time.CLOCK_REALTIME then
        return nil, natives.string_of_error(22), 22
    end
    local seconds, nanoseconds = natives.now()
    return { tv_sec = seconds, tv_nsec = nanoseconds }
end

function time.nanosleep(duration)
    natives.sleep((duration.tv_sec or 0) + (duration.tv_nsec or 0) / 1e9)
    return 0
end

modules["posix.sys.time"] = {
    gettimeofday = function()
        local seconds, nanoseconds = natives.now()
        return { tv_sec = seconds, tv_usec = math.floor(nanoseconds / 1000) }
    end,
}
