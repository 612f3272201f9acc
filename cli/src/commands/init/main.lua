-- Run with: solvm main.lua
local greeting = import("greeting")

print(greeting.of(arg[1] or "world"))

-- Two goroutines and a channel.
local results = chan()
for _, name in ipairs { "Ada", "Grace" } do
  go(function()
    sleep(0.1)
    send(results, greeting.of(name))
  end)
end
print(receive(results))
print(receive(results))
