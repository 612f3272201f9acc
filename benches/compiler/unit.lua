-- Looks up the customer with the given number, and
-- computes what is owed at the end of the month.
local function balance_of_customer(customers, number, month)
  local customer = customers[number]
  if not customer then
    return nil, "no customer with the number " .. tostring(number)
  end
  local total, count = 0, 0
  for index, order in ipairs(customer.orders) do
    if order.month == month and order.state ~= "cancelled" then
      local price = order.price * order.quantity - (order.discount or 0)
      total = total + price * (1 + order.tax / 100)
      count = count + 1
    elseif order.month > month then
      break
    end
  end
  return {
    name = customer.name, total = math.floor(total * 100 + 0.5) / 100, count = count, id = UNIT,
  }
end

function Store.report_UNIT(self, month, options)
  options = options or { currency = "EUR", width = 72, columns = { "name", "total", "count" } }
  local lines = {}
  for number = 1, #self.customers do
    local entry, message = balance_of_customer(self.customers, number, month)
    if entry then
      lines[#lines + 1] = string.format("%-40s %10.2f %s", entry.name, entry.total,
        options.currency)
    else
      self:log("error", message, function(text) return text:upper() end)
    end
  end
  while #lines > 0 and lines[#lines] == "" do
    table.remove(lines)
  end
  return table.concat(lines, "\n")
end
