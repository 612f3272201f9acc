-- Calls natives in loops and keeps their results. Follows `natives/driver.lua`; the cases follow at
-- the end: `measured(number, maker of the function, { names of values }, patience)`.
--
-- Before each case the test reads the process's peak, and replies with a line in a pipe: cases read
-- the standard input.
local input = io.open(ANSWERS)
local read, memory_of = input.read, collectgarbage
-- A longer wait after a case means that it has left something behind.
local LEFT_OVER = 0.02

local long = ("x"):rep(1000)
-- Strings from which parsers create much data: a template, and a list in JSON and YAML.
constants.actions = ("{{.}}"):rep(2000)
constants.items = "[" .. ("[],"):rep(20000) .. "1]"
local results, generation = {}, 0
local ended = channel.make(10)

local function next_generation()
    generation = generation + 1
    results = {}
end

-- A goroutine that failed past every `pcall` has ended, too.
on_error(function() send(ended, generation) end)

local function ready(what)
    write(progress_output, what, "\n")
    read(input, "*l")
end

-- Short strings, which may be filenames, and long ones.
local function argument(name, index)
    if name == "varied" and index % 2 == 0 then return long .. index end
    return value_of(name, index)
end

local function changes(name)
    return name == "varied" or name == "counted"
end

local function call_often(f, names, keeps)
    local values, mine, began, calls, count = {}, generation, clock(), 0, 0
    local is_fresh = false
    repeat
        calls = calls + 1
        for i = 1, #names do
            if not is_fresh or changes(names[i]) then values[i] = argument(names[i], calls) end
        end
        local ok, first, second = pcall(f, unpack(values, 1, #names))
        -- After an error the object may be closed: the next call gets a new one.
        is_fresh = ok
        if keeps then
            results[count + 1], results[count + 2] = first, second
            count = #results
        end
    until generation ~= mine or clock() - began > SECONDS
end

local idle = memory_of("count")

local function measured(number, make, names, patience)
    ready("case " .. number)
    next_generation()
    local mine = generation
    local ok, f = pcall(make)
    if ok then
        go(function()
            call_often(f, names, false)
            if generation == mine then call_often(f, names, true) end
            send(ended, mine)
        end)
        repeat
            local which = receive(ended, patience or 5)
        until which == nil or which == mine
    end
    next_generation()
    restore()
    collectgarbage()
    -- Remains of a case would disturb the next one.
    local began = clock()
    sleep(0)
    if clock() - began > LEFT_OVER or memory_of("count") > idle + LIMIT * 2 ^ 10 / 8 then
        ready("left over")
        exit(0)
    end
end

