-- A tour of SolVM: Lua 5.1, coroutines, goroutines and channels.
-- Run it with: cargo run --release -- examples/tour.lua

print("1. Lua as you know it")
local Account = {}
Account.__index = Account

function Account.new(owner)
  return setmetatable({ owner = owner, balance = 0 }, Account)
end

function Account:deposit(amount)
  if amount <= 0 then
    error("the amount must be positive", 2)
  end
  self.balance = self.balance + amount
end

local account = Account.new("Ada")
account:deposit(100)
print("", account.owner .. " has " .. account.balance)
print("", pcall(account.deposit, account, -5))

print("2. Strings and patterns")
local text = "the quick brown fox jumps over the lazy dog"
local lengths = {}
for word in text:gmatch("%a+") do
  lengths[#lengths + 1] = #word
end
print("", table.concat(lengths, " "))
print("", (text:gsub("%f[%a]%a", string.upper)))
print("", string.format("%5.2f|%-8s|%03d|%q", math.pi, "left", 7, "a\nb"))

print("3. Coroutines, also across pcall, sort and metamethods")
local function permutations(list, n)
  n = n or #list
  if n <= 1 then
    coroutine.yield(list)
  else
    for i = 1, n do
      list[n], list[i] = list[i], list[n]
      permutations(list, n - 1)
      list[n], list[i] = list[i], list[n]
    end
  end
end
for p in coroutine.wrap(function() pcall(permutations, { "a", "b", "c" }) end) do
  print("", table.concat(p, " "))
end

print("4. Goroutines and channels")
chan("jobs", 4)
chan("results", 4)
for worker = 1, 3 do
  go(function()
    while true do
      local job = receive("jobs")
      if job == nil then
        break
      end
      send("results", { worker = worker, job = job, answer = job * job })
    end
  end)
end
go(function()
  for job = 1, 9 do
    send("jobs", job)
  end
  close_channel("jobs")
end)
local sum = 0
for _ = 1, 9 do
  sum = sum + receive("results").answer
end
print("", "the sum of nine squares is " .. sum)

print("5. Errors are caught, whatever they are")
local ok, problem = pcall(function()
  local nothing
  return nothing.field
end)
print("", ok, problem)
print("", xpcall(function() error({ code = 42 }) end, function(e) return "code " .. e.code end))

print("6. goto, as in Lua 5.2")
for i = 1, 3 do
  if i == 2 then
    goto continue
  end
  print("", i)
  ::continue::
end

print("Done.")
