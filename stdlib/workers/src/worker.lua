-- The functions of `worker` that are in Lua: each is called by a native of the same name.
local worker = {}

function worker.map(list, f)
    check("table", 1, "map", list)
    check("function", 2, "map", f)
    local count = #list
    local results, calls = {}, {}
    -- As many calls are under way as keep all isolates busy while one is waited for.
    local ahead = 2 * size()
    for i = 1, count + ahead do
        if i <= count then
            calls[i] = spawn(f, list[i], i)
        end
        local first = i - ahead
        if first >= 1 and first <= count then
            local ok, result = pcall(calls[first].wait, calls[first])
            if not ok then
                for j = first + 1, math.min(i, count) do
                    calls[j]:cancel()
                end
                error(result, 0)
            end
            results[first], calls[first] = result, nil
        end
    end
    return results
end

-- Runs in the isolate, with its globals.
local function run_file(path, ...)
    local chunk, message = loadfile(path)
    if not chunk then
        error(message, 0)
    end
    return chunk(...)
end

function worker.file(path, ...)
    check("string", 1, "file", path)
    return run_in_worker(run_file, path, ...)
end

return worker
