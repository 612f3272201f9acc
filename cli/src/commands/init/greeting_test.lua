-- Run with: solvm test
local greeting = import("greeting")

test("greets by name", function()
  check.equal(greeting.of("Ada"), "Hello, Ada!")
end)

test("requires a name", function()
  check.fails(function() greeting.of(nil) end, "attempt to concatenate")
end)
