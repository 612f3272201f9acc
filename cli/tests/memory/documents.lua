-- Parses documents. The cases follow at the end: `measured(number, function that parses)`.
--
-- Before each case the test reads the process's peak, and replies with a line in a pipe.
local input = io.open(ANSWERS)
local ended = channel.make(10)

local function ready(what)
    io.stderr:write(what, "\n")
    input:read("*l")
end

-- A goroutine that failed past every `pcall` has ended, too.
on_error(function() send(ended, true) end)

local function measured(number, parse)
    ready("case " .. number)
    go(function()
        pcall(parse)
        send(ended, true)
    end)
    receive(ended)
    collectgarbage()
end

