local next_item = coroutine.wrap(function(item)
  coroutine.yield(item.name)
end)

print(next_item())
