-- pcall and error: validation with error values, errors through many levels, retries, and protected
-- calls that succeed.
local rounds = tonumber(arg and arg[1]) or 4000

local function check(value, kind, name)
  if type(value) ~= kind then error({ code = "type", name = name }) end
  return value
end
local function parse(record)
  local id = check(record.id, "number", "id")
  local name = check(record.name, "string", "name")
  if #name == 0 then error("empty name", 0) end
  return { id = id, name = name }
end

local function descend(depth, failing)
  if depth == 0 then
    if failing then error("bottom") end
    return 1
  end
  return descend(depth - 1, failing) + 1
end

local function retry(times, f)
  for attempt = 1, times do
    local ok, value = pcall(f, attempt)
    if ok then return value, attempt end
  end
  return nil, times
end

local function with_cleanup(f, cleanup)
  local ok, a = pcall(f)
  cleanup()
  if not ok then error(a, 0) end
  return a
end

local counts = {
  type = 0, empty = 0, fine = 0, deep = 0, retried = 0, cleaned = 0, located = 0, index = 0,
}
local records = {
  { id = 1, name = "one" },
  { id = "2", name = "two" },
  { id = 3 },
  { id = 4, name = "" },
  { id = 5, name = "five" },
}

for round = 1, rounds do
  for i = 1, 200 do
    local ok, result = pcall(parse, records[(i + round) % #records + 1])
    if ok then counts.fine = counts.fine + result.id
    elseif type(result) == "table" then counts[result.code] = counts[result.code] + 1
    elseif result == "empty name" then counts.empty = counts.empty + 1 end
  end
  for i = 1, 20 do
    local ok, message = pcall(descend, 20, i % 2 == 0)
    if ok then counts.deep = counts.deep + message
    elseif message:find("bottom", 1, true) then counts.located = counts.located + 1 end
    local _, attempts = retry(5, function(n) if n < i % 6 then error() end return n end)
    counts.retried = counts.retried + attempts
    pcall(with_cleanup,
      function() if i % 3 == 0 then error("x") end return i end,
      function() counts.cleaned = counts.cleaned + 1 end)
    local missing = nil
    if not pcall(function() return missing.field end) then counts.index = counts.index + 1 end
    local handled = xpcall(function() return #missing end, function(m) return m end)
    if not handled then counts.index = counts.index + 1 end
  end
end
print(string.format("%d %d %d %d %d %d %d %d",
  counts.type, counts.empty, counts.fine, counts.deep, counts.retried,
  counts.cleaned, counts.located, counts.index))
