-- The time limit ends a loop that catches every error.
-- options: -timeout 300ms
-- exit: 124
-- stdout: before
print("before")
while true do
  pcall(function() while true do end end)
end
