-- The globals of test files: `test` and `check`. Returns a function that returns their tests in
-- sequence, and one that returns when the goroutines that a test has started have had their turn.
-- The argument is the start of `package.path`.

local templates = ...
package.path = templates .. package.path

local tests = {}

-- Formats a value for messages: tables with their fields, sorted, up to a maximum depth.
local function show(value, depth)
  if type(value) == "string" then return string.format("%q", value) end
  if type(value) ~= "table" or depth == 0 then return tostring(value) end
  local fields = {}
  for key, field in pairs(value) do
    fields[#fields + 1] = "[" .. show(key, 0) .. "] = " .. show(field, depth - 1)
  end
  table.sort(fields)
  return "{" .. table.concat(fields, ", ") .. "}"
end

local function same(a, b, seen)
  if a == b or (a ~= a and b ~= b) then return true end
  if type(a) ~= "table" or type(b) ~= "table" then return false end
  if seen[a] == b then return true end
  seen[a] = b
  for key, value in pairs(a) do
    if not same(value, b[key], seen) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

-- Fails at the line that called the check.
local function fail(message, text)
  error(message and (tostring(message) .. ": " .. text) or text, 3)
end

check = {}

function check.equal(actual, expected, message)
  if actual ~= expected and (actual == actual or expected == expected) then
    fail(message, "expected " .. show(expected, 3) .. ", got " .. show(actual, 3))
  end
end

function check.same(actual, expected, message)
  if not same(actual, expected, {}) then
    fail(message, "expected " .. show(expected, 5) .. ", got " .. show(actual, 5))
  end
end

function check.near(actual, expected, tolerance, message)
  tolerance = tolerance or 1e-9
  if type(actual) ~= "number" or not (math.abs(actual - expected) <= tolerance) then
    fail(message,
      "expected " .. show(expected, 0) .. " within " .. tolerance .. ", got " .. show(actual, 3))
  end
end

function check.ok(value, message)
  if not value then fail(message, "expected a true value, got " .. show(value, 3)) end
end

function check.matches(text, pattern, message)
  if type(text) ~= "string" or not text:find(pattern) then
    fail(message, show(text, 3) .. " does not match " .. show(pattern, 0))
  end
end

-- The text must contain the part, which is not a pattern.
function check.contains(text, part, message)
  if type(text) ~= "string" or not text:find(part, 1, true) then
    fail(message, show(text, 3) .. " does not contain " .. show(part, 0))
  end
end

-- The function must fail; its error must contain the text. Returns the error.
function check.fails(f, text, message)
  local ok, problem = pcall(f)
  if ok then fail(message, "expected an error") end
  if text and not tostring(problem):find(text, 1, true) then
    fail(message, "expected an error with " .. show(text, 0) .. ", got " .. show(problem, 3))
  end
  return problem
end

function test(name, f)
  assert(type(name) == "string" and type(f) == "function", "test(name, function) expected")
  tests[#tests + 1] = { name = name, f = f }
end

local next = 0
local function next_test()
  next = next + 1
  local found = tests[next] or {}
  -- The numbers of goroutines increase: those that a test starts are greater than the number of the
  -- test's own goroutine, which is this one.
  local number = 0
  for id in pairs(get_goroutines()) do number = math.max(number, id) end
  return found.name, found.f, number
end

-- It runs as a goroutine, too, after those that are ready.
local function settle() end

return next_test, settle
