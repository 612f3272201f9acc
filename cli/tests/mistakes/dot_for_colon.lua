local Account = {}
Account.__index = Account

function Account:deposit(amount)
  self.balance = self.balance + amount
end

local account = setmetatable({balance = 1}, Account)
account.deposit(5)
