local greeting = {}

--- Returns a greeting.
---@param name string
---@return string
function greeting.of(name)
  return "Hello, " .. name .. "!"
end

return greeting
