local program = import("program")

test("the tour comes to its end", function()
  local output, code = program.run("tour")
  check.equal(code, 0, output)
  check.matches(output, "the sum of nine squares is 285")
  check.matches(output, "tour.lua:%d+: attempt to index local 'nothing' %(a nil value%)")
  check.matches(output, "Done%.\n$")
end)
