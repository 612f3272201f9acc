-- A virtual machine in Lua: an assembler, a register machine run by a chain of comparisons, a stack
-- machine by closures.
local rounds = tonumber(arg and arg[1]) or 280

local source = [[
  set   0 0
  set   1 1
  set   2 LIMIT
loop:
  mul   3 1 1
  add   0 0 3
  mod   0 0 99991
  add   1 1 one
  less  4 1 2
  jump  4 loop
  call  twice
  halt
twice:
  add   0 0 0
  return
]]

local function assemble(text, constants)
  local program, labels = {}, {}
  for line in text:gmatch("[^\n]+") do
    local label = line:match("^(%w+):")
    if label then
      labels[label] = #program + 1
    else
      local instruction = {}
      for word in line:gmatch("%S+") do instruction[#instruction + 1] = word end
      if #instruction > 0 then program[#program + 1] = instruction end
    end
  end
  for _, instruction in ipairs(program) do
    for i = 2, #instruction do
      local word = instruction[i]
      instruction[i] = tonumber(word) or labels[word] or constants[word]
    end
  end
  return program
end

local function run(program)
  local registers, stack, pc = {}, {}, 1
  while true do
    local instruction = program[pc]
    local op, a, b, c = instruction[1], instruction[2], instruction[3], instruction[4]
    pc = pc + 1
    if op == "add" then
      registers[a] = registers[b] + (c == -1 and 1 or registers[c])
    elseif op == "mul" then
      registers[a] = registers[b] * registers[c]
    elseif op == "mod" then
      registers[a] = registers[b] % c
    elseif op == "set" then
      registers[a] = b
    elseif op == "less" then
      registers[a] = registers[b] < registers[c]
    elseif op == "jump" then
      if registers[a] then pc = b end
    elseif op == "call" then
      stack[#stack + 1] = pc
      pc = a
    elseif op == "return" then
      pc = table.remove(stack)
    elseif op == "halt" then
      return registers[0]
    else
      error("unknown instruction " .. op)
    end
  end
end

-- The same idea as threaded code: each instruction a closure that returns the next position.
local handlers = {
  push = function(value) return function(stack, at) stack[#stack + 1] = value return at + 1 end end,
  add = function()
    return function(stack, at)
      local n = #stack
      stack[n - 1] = stack[n - 1] + stack[n]
      stack[n] = nil
      return at + 1
    end
  end,
  duplicate = function()
    return function(stack, at) stack[#stack + 1] = stack[#stack] return at + 1 end
  end,
  below = function(limit, target)
    return function(stack, at)
      if stack[#stack] < limit then return target end
      return at + 1
    end
  end,
}
local function run_threaded(limit)
  local code = {
    handlers.push(1), handlers.push(3), handlers.add(), handlers.duplicate(), handlers.push(-1),
    handlers.add(), handlers.add(), handlers.push(7), handlers.add(), handlers.below(limit, 4),
  }
  local stack, at, steps = {}, 1, 0
  while code[at] do
    at = code[at](stack, at)
    steps = steps + 1
  end
  return stack[#stack] + steps
end

local checksum = 0
for round = 1, rounds do
  local program = assemble(source, { LIMIT = 5000 + round, one = -1 })
  checksum = (checksum + run(program) + run_threaded(1000000 + round)) % 1000003
  for limit = 1, 200 do checksum = (checksum + run_threaded(limit * 500)) % 1000003 end
end
print(string.format("%d", checksum))
