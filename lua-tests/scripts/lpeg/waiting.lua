-- lpeg: functions that a match calls may yield, wait, raise and match; a long match lets other
-- goroutines run.
local lpeg = require "lpeg"
local P, S, R, V = lpeg.P, lpeg.S, lpeg.R, lpeg.V
local C, Cc, Ct, Cs, Cf, Cmt, Cg = lpeg.C, lpeg.Cc, lpeg.Ct, lpeg.Cs, lpeg.Cf, lpeg.Cmt, lpeg.Cg

local function slow(...)
  coroutine.yield(...)
  return ...
end
local function in_match(_, _, ...)
  coroutine.yield(...)
  return true, ...
end
-- Runs f as a coroutine to its end; returns what it yields, joined, and then its results.
local function steps(f)
  local thread, yielded = coroutine.create(f), {}
  while true do
    local results = { coroutine.resume(thread) }
    assert(results[1], results[2])
    if coroutine.status(thread) == "dead" then
      return table.concat(yielded), unpack(results, 2)
    end
    yielded[#yielded + 1] = tostring(results[2])
    collectgarbage()
  end
end

local letter = R "az"
for name, case in pairs {
  ["function"] = { Ct((C(letter) / slow) ^ 0), "abc", "{abc}" },
  nested = { Ct((C((C(letter) / slow) * (C(letter) / slow))) ^ 0), "abcd", "{ababcdcd}", "abcd" },
  ["table"] = { letter / setmetatable({}, { __index = function(_, k) return slow(k) end }), "a",
    "a" },
  substitution = { Cs((letter / slow) ^ 0), "abc", "abc" },
  text = { (C(letter) / slow * (C(letter) / slow)) / "%2%1", "ab", "ba" },
  fold = { Cf(C(letter) ^ 1, function(a, b) return slow(b) .. a end), "abc", "cba", "bc" },
  accumulator = { C(letter) * (C(letter) % function(a, b) return slow(b) .. a end) ^ 0, "abc",
    "cba", "bc" },
  run_time = { Ct(Cmt(C(letter), in_match) ^ 0), "abc", "{abc}" },
  run_time_in_run_time = { Ct(Cmt(Cmt(C(letter), in_match) * (C(letter) / slow), in_match) ^ 0),
    "abcd", "{abcd}", "abacdc" },
  failing = { Ct((Cmt(C(letter), in_match) * "!" + C(1)) ^ 0), "abc", "{abc}" },
} do
  local pattern, subject, expected, yields = unpack(case)
  local yielded, result = steps(function() return pattern:match(subject) end)
  if type(result) == "table" then result = "{" .. table.concat(result) .. "}" end
  assert(result == expected, name .. ": " .. tostring(result))
  if yields then assert(yielded == yields, name .. " yields " .. yielded) end
end

-- Errors are those of the functions.
local object = {}
local ok, message = pcall(lpeg.match, P(1) / function() error(object) end, "a")
assert(not ok and message == object)
ok, message = pcall(lpeg.match, Cmt(1, function() error("at match", 0) end), "a")
assert(not ok and message == "at match")

-- Matches in matches
local count = 0
local function again(_, position)
  count = count + 1
  if count < 1000 then assert(lpeg.match(Cmt("", again), "x") == 1) end
  return position
end
assert(Cmt("", again):match("x") == 1 and count == 1000)
local depth = 0
local evaluate
evaluate = P "x" / function(x)
  depth = depth + 1
  return depth < 1000 and evaluate:match(x) or "end"
end
assert(evaluate:match("x") == "end" and depth == 1000)

-- Waiting
local results = chan("results", 10)
go(function() send(results, (P(1) / function(x) sleep(0.01) return x .. "!" end):match("a")) end)
go(function() send(results, (Cmt(1, function() sleep(0.001) return true, "b!" end)):match("b")) end)
assert(receive(results) .. receive(results) == "b!a!")

-- Other goroutines run during a long match, and during the evaluation of its captures.
local ticks, is_done = 0, false
go(function()
  while not is_done do
    ticks = ticks + 1
    sleep(0.001)
  end
end)
local long = ("ab"):rep(2e5)
local slow_pattern = Ct(((P "a" * P "b" + "ac") * C("") + C(1)) ^ 0)
local before = ticks
for _ = 1, 5 do assert(#slow_pattern:match(long) == 2e5) end
assert(ticks > before)
is_done = true
wait()
