local function parse(text)
  return text:upper() .. nil
end

local ok, message = pcall(parse, 'x')
if not ok then
  error(message)
end
