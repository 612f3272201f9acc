-- Objects with methods and two levels of inheritance: a small bank with accounts of several kinds.
local rounds = tonumber(arg and arg[1]) or 900

local function class(parent)
  local c = {}
  c.__index = c
  c.new = function(...)
    local object = setmetatable({}, c)
    object:init(...)
    return object
  end
  return setmetatable(c, { __index = parent })
end

local Account = class()
function Account:init(owner, balance)
  self.owner = owner
  self.balance = balance
  self.moves = 0
end
function Account:deposit(amount)
  self.balance = self.balance + amount
  self.moves = self.moves + 1
end
function Account:withdraw(amount)
  if amount > self:available() then return false end
  self.balance = self.balance - amount
  self.moves = self.moves + 1
  return true
end
function Account:available() return self.balance end
function Account:end_of_day() end

local Savings = class(Account)
function Savings:init(owner, balance, rate)
  Account.init(self, owner, balance)
  self.rate = rate
end
function Savings:end_of_day()
  self:deposit(math.floor(self.balance * self.rate))
end

local Credit = class(Account)
function Credit:init(owner, balance, limit)
  Account.init(self, owner, balance)
  self.limit = limit
  self.fees = 0
end
function Credit:available() return self.balance + self.limit end
function Credit:end_of_day()
  if self.balance < 0 then
    self.fees = self.fees + 1
    self.balance = self.balance - 1
  end
end

local Premium = class(Credit)
function Premium:end_of_day()
  Credit.end_of_day(self)
  if self.fees > 3 then
    self.limit = self.limit + 10
    self.fees = 0
  end
end

local accounts = {}
for i = 1, 400 do
  local kind = i % 4
  if kind == 0 then accounts[i] = Account.new(i, 1000)
  elseif kind == 1 then accounts[i] = Savings.new(i, 500, 0.01)
  elseif kind == 2 then accounts[i] = Credit.new(i, 0, 800)
  else accounts[i] = Premium.new(i, 100, 300) end
end

local refused = 0
for round = 1, rounds do
  for i = 1, #accounts do
    local from = accounts[i]
    for step = 1, 10 do
      local to = accounts[(i * 7 + step * 13 + round) % #accounts + 1]
      local amount = (i + step * round) % 90
      if from:withdraw(amount) then to:deposit(amount) else refused = refused + 1 end
    end
  end
  for i = 1, #accounts do accounts[i]:end_of_day() end
end

local total, moves = 0, 0
for i = 1, #accounts do
  total = total + accounts[i].balance
  moves = moves + accounts[i].moves
end
print(string.format("%d %d %d", total, moves, refused))
