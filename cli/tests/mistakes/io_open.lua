local file = io.open('/nonexistent/file')
local text = file:read('*a')
