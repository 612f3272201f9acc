local function f()
  print(1)
end
end
f()
