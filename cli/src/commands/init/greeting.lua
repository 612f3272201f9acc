local greeting = {}

--- What is said to somebody.
---@param name string
---@return string
function greeting.of(name)
  return "Hello, " .. name .. "!"
end

return greeting
