-- Regular expressions, two engines over one parser: a backtracking matcher made of closures, and
-- Thompson's construction run by a machine that follows all threads at once. Both report groups;
-- they must agree on every text, while counts of steps show where backtracking is slow.
local rounds = tonumber(arg and arg[1]) or 85

---------------------------------------------------------------------------------------------
-- Sets of characters

local CharacterSet = {}
CharacterSet.__index = CharacterSet
CharacterSet.__call = function(self, code) return self.has[code] == true end

function CharacterSet.new(...)
  local self = setmetatable({ has = {} }, CharacterSet)
  for _, range in ipairs({ ... }) do
    local first, last = range:byte(1, 2)
    for code = first, last or first do self.has[code] = true end
  end
  return self
end

CharacterSet.__add = function(left, right)
  local union = CharacterSet.new()
  for code = 0, 255 do union.has[code] = left(code) or right(code) end
  return union
end

CharacterSet.__unm = function(set)
  local complement = CharacterSet.new()
  for code = 0, 255 do complement.has[code] = not set(code) end
  return complement
end

local classes = {
  d = CharacterSet.new("09"),
  w = CharacterSet.new("az", "AZ", "09", "_"),
  s = CharacterSet.new(" ", "\t", "\n"),
}
classes.D, classes.W, classes.S = -classes.d, -classes.w, -classes.s
local anyButNewline = -CharacterSet.new("\n")

---------------------------------------------------------------------------------------------
-- Parser: text to tree

local function parse(pattern)
  local position, groups = 1, 0
  local alternatives

  local function peek() return pattern:sub(position, position) end
  local function take()
    position = position + 1
    return pattern:sub(position - 1, position - 1)
  end
  local function complain(message)
    error({ position = position, message = message }, 0)
  end

  local function escaped()
    local letter = take()
    if letter == "" then complain("pattern ends in a backslash") end
    if letter == "n" then return CharacterSet.new("\n") end
    return classes[letter] or CharacterSet.new(letter)
  end

  local function bracket()
    local negated = peek() == "^"
    if negated then take() end
    local set = CharacterSet.new()
    repeat
      local letter = take()
      if letter == "" then complain("']' is missing") end
      if letter == "\\" then
        set = set + escaped()
      elseif peek() == "-" and pattern:sub(position + 1, position + 1) ~= "]" then
        take()
        local last = take()
        if last < letter then complain("range out of order") end
        set = set + CharacterSet.new(letter .. last)
      else
        set.has[letter:byte()] = true
      end
    until peek() == "]"
    take()
    return negated and -set or set
  end

  local function atom()
    local letter = take()
    if letter == "(" then
      local group
      if pattern:sub(position, position + 1) == "?:" then
        position = position + 2
      else
        groups = groups + 1
        group = groups
      end
      local inner = alternatives()
      if take() ~= ")" then complain("')' is missing") end
      return group and { kind = "group", index = group, inner } or inner
    elseif letter == "[" then
      return { kind = "set", set = bracket() }
    elseif letter == "." then
      return { kind = "set", set = anyButNewline }
    elseif letter == "^" or letter == "$" then
      return { kind = letter == "^" and "start" or "finish" }
    elseif letter == "\\" then
      if peek() == "b" then
        take()
        return { kind = "boundary" }
      end
      return { kind = "set", set = escaped() }
    elseif letter == "*" or letter == "+" or letter == "?" then
      complain("nothing to repeat")
    end
    return { kind = "set", set = CharacterSet.new(letter) }
  end

  local function repeated()
    local node = atom()
    while true do
      local least, most
      local low, comma, high, after = pattern:match("^{(%d+)(,?)(%d*)}()", position)
      if low then
        least = tonumber(low)
        most = comma == "" and least or tonumber(high) or math.huge
        if most < least then complain("bounds out of order") end
        position = after
      elseif peek() == "*" then
        least, most = 0, math.huge
        take()
      elseif peek() == "+" then
        least, most = 1, math.huge
        take()
      elseif peek() == "?" then
        least, most = 0, 1
        take()
      else
        return node
      end
      local lazy = peek() == "?"
      if lazy then take() end
      node = { kind = "repeat", least = least, most = most, lazy = lazy, node }
    end
  end

  local function sequence()
    local items = { kind = "sequence" }
    while peek() ~= "" and peek() ~= "|" and peek() ~= ")" do
      items[#items + 1] = repeated()
    end
    return #items == 1 and items[1] or items
  end

  function alternatives()
    local first = sequence()
    if peek() ~= "|" then return first end
    local node = { kind = "either", first }
    while peek() == "|" do
      take()
      node[#node + 1] = sequence()
    end
    return node
  end

  local tree = alternatives()
  if peek() == ")" then complain("')' without '('") end
  return tree, groups
end

local isWord = classes.w
local function atBoundary(subject, position)
  local before, after = subject:byte(position - 1), subject:byte(position)
  if position == 1 then before = nil end
  return (before and isWord(before) or false) ~= (after and isWord(after) or false)
end

---------------------------------------------------------------------------------------------
-- Backtracking: every node becomes a function that matches at a position and calls the rest

local steps
local builders = {}

local function build(node, rest)
  return builders[node.kind](node, rest)
end

function builders.set(node, rest)
  local has = node.set.has
  return function(state, position)
    steps = steps + 1
    return has[state.bytes[position]] and rest(state, position + 1)
  end
end

function builders.start(_, rest)
  return function(state, position) return position == 1 and rest(state, position) end
end

function builders.finish(_, rest)
  return function(state, position)
    return position == #state.subject + 1 and rest(state, position)
  end
end

function builders.boundary(_, rest)
  return function(state, position)
    return atBoundary(state.subject, position) and rest(state, position)
  end
end

function builders.sequence(node, rest)
  for i = #node, 1, -1 do rest = build(node[i], rest) end
  return rest
end

function builders.either(node, rest)
  local branches = {}
  for i, branch in ipairs(node) do branches[i] = build(branch, rest) end
  return function(state, position)
    for i = 1, #branches do
      local last = branches[i](state, position)
      if last then return last end
    end
    return false
  end
end

local function marker(slot, rest)
  return function(state, position)
    local before = state[slot]
    state[slot] = position
    local last = rest(state, position)
    if not last then state[slot] = before end
    return last
  end
end

function builders.group(node, rest)
  return marker(2 * node.index, build(node[1], marker(2 * node.index + 1, rest)))
end

builders["repeat"] = function(node, after)
  local inner, least, most, lazy = node[1], node.least, node.most, node.lazy
  local rest = after
  if most == math.huge then
    local body
    function rest(state, position)
      if lazy then return after(state, position) or body(state, position) end
      return body(state, position) or after(state, position)
    end
    body = build(inner, rest)
  else
    for _ = least + 1, most do
      local optional = build(inner, rest)
      function rest(state, position)
        if lazy then return after(state, position) or optional(state, position) end
        return optional(state, position) or after(state, position)
      end
    end
  end
  for _ = 1, least do rest = build(inner, rest) end
  return rest
end

local function backtracker(tree, groups)
  local run = build(tree, function(_, position) return position end)
  return function(subject)
    local state = { subject = subject, bytes = { subject:byte(1, -1) } }
    state.bytes[#subject + 1] = -1
    for start = 1, #subject + 1 do
      local last = run(state, start)
      if last then
        local result = { start, last }
        for slot = 2, 2 * groups + 1 do result[slot + 1] = state[slot] or false end
        return result
      end
    end
  end
end

---------------------------------------------------------------------------------------------
-- The machine: instructions with up to two successors, threads in the order of preference

local function assemble(tree)
  local program, size = {}, 0
  local function emit(op, a, b)
    size = size + 1
    program[size] = { op = op, a = a, b = b }
    return program[size]
  end
  local compile
  local emitters = {
    set = function(node) emit("set", node.set.has) end,
    start = function() emit("start") end,
    finish = function() emit("finish") end,
    boundary = function() emit("boundary") end,
    sequence = function(node) for _, item in ipairs(node) do compile(item) end end,
    group = function(node)
      emit("save", 2 * node.index)
      compile(node[1])
      emit("save", 2 * node.index + 1)
    end,
    either = function(node)
      local exits = {}
      for i = 1, #node - 1 do
        local split = emit("split", size + 2)
        compile(node[i])
        exits[i] = emit("jump")
        split.b = size + 1
      end
      compile(node[#node])
      for _, exit in ipairs(exits) do exit.a = size + 1 end
    end,
    ["repeat"] = function(node)
      local function split(first, second)
        if node.lazy then return emit("split", second, first) end
        return emit("split", first, second)
      end
      for _ = 1, node.least do compile(node[1]) end
      local open = {}
      if node.most == math.huge then
        local start = size + 1
        open[1] = split(start + 1, nil)
        compile(node[1])
        emit("jump", start)
      else
        for i = 1, node.most - node.least do
          open[i] = split(size + 2, nil)
          compile(node[1])
        end
      end
      for _, instruction in ipairs(open) do
        instruction[node.lazy and "a" or "b"] = size + 1
      end
    end,
  }
  function compile(node) emitters[node.kind](node) end
  compile(tree)
  emit("match")
  return program
end

local function machine(tree, groups)
  local program = assemble(tree)
  return function(subject)
    local length = #subject
    local seen = {}
    local function follow(threads, at, position, slots)
      if seen[at] == position then return end
      seen[at] = position
      steps = steps + 1
      local instruction = program[at]
      local op = instruction.op
      if op == "jump" then
        return follow(threads, instruction.a, position, slots)
      elseif op == "split" then
        follow(threads, instruction.a, position, slots)
        return follow(threads, instruction.b, position, slots)
      elseif op == "save" then
        local copy = {}
        for slot, value in pairs(slots) do copy[slot] = value end
        copy[instruction.a] = position
        return follow(threads, at + 1, position, copy)
      elseif op == "start" then
        if position == 1 then follow(threads, at + 1, position, slots) end
      elseif op == "finish" then
        if position == length + 1 then follow(threads, at + 1, position, slots) end
      elseif op == "boundary" then
        if atBoundary(subject, position) then follow(threads, at + 1, position, slots) end
      else
        threads[#threads + 1] = { instruction = instruction, at = at, slots = slots }
      end
    end

    local current, matched = {}, nil
    for position = 1, length + 1 do
      if not matched then follow(current, 1, position, { [0] = position }) end
      if #current == 0 and matched then break end
      local code = subject:byte(position)
      local following = {}
      for _, thread in ipairs(current) do
        if thread.instruction.op == "match" then
          matched = thread.slots
          matched[1] = position
          break
        elseif code and thread.instruction.a[code] then
          follow(following, thread.at + 1, position + 1, thread.slots)
        end
      end
      current = following
    end
    if not matched then return nil end
    local result = { matched[0], matched[1] }
    for slot = 2, 2 * groups + 1 do result[slot + 1] = matched[slot] or false end
    return result
  end
end

---------------------------------------------------------------------------------------------

local function show(subject, result)
  if not result then return "none" end
  local parts = {}
  for i = 1, #result, 2 do
    local first, last = result[i], result[i + 1]
    parts[#parts + 1] = first and last and subject:sub(first, last - 1) or "-"
  end
  return table.concat(parts, "|")
end

local seed = 4711
local function random(n)
  seed = (seed * 69069 + 1) % 4294967296
  return math.floor(seed / 65536) % n + 1
end

local samples = {
  "On 2023-04-17 at 12:05 the server host-7.example.org answered 404 to /index.html?q=1",
  "mail anna.b@example.org, or (rarely) bob_99@mail.example.co.uk; no others",
  "aaaaaaaaaaaaaaaaaaaaaaac", "if x1 >= 0x1F then y = \"quoted \\\" text\" end -- comment",
  "color colour colr   grey gray", "abcabcabcabd", "",
}
local patterns = {
  "(\\d{4})-(\\d\\d)-(\\d\\d)", "([\\w.]+)@((?:\\w+\\.)+\\w{2,3})", "\\bcolou?r\\b|\\bgr[ae]y$",
  "(a|aa)*b", "(\\w+)\\s+(\\w+)\\s*$", "\"(?:[^\"\\\\]|\\\\.)*\"", "(abc){2,}?(ab)", "(x|[^x])*?c",
  "0x([0-9A-Fa-f]+)|(\\d+)", "^(.*?),\\s*(.*)$", "((?:a{1,3}b?|bc*)+)([c-f])", "/(\\w+)\\.(html?)",
  "(a*)(ab)?(c?)$",
}

local words = { "gray", "colour", " ", "aab", "abc", "1999-12-31", "x@y.org", "c", ", ", "0xFF" }
local checksum, agreed, totals = 0, 0, {}
for round = 1, rounds do
  local parts = {}
  for i = 1, 8 do parts[i] = words[random(#words)] end
  samples[7] = table.concat(parts)
  for index, pattern in ipairs(patterns) do
    local tree, groups = parse(pattern)
    local backtrack, simulate = backtracker(tree, groups), machine(tree, groups)
    local total = totals[index] or { 0, 0 }
    totals[index] = total
    for number, sample in ipairs(samples) do
      -- One pattern takes exponential time on a text of many equal letters.
      local subject = index == 4 and number == 3 and sample:sub(-12) or sample
      steps = 0
      local first = show(subject, backtrack(subject))
      total[1], steps = total[1] + steps, 0
      local second = show(subject, simulate(subject))
      total[2] = total[2] + steps
      if first ~= second then
        error(("%s on '%s': %s, but %s"):format(pattern, subject, first, second))
      end
      agreed = agreed + 1
      checksum = (checksum * 31 + #first + (first:byte(-1) or 0) * 7) % 1000003
    end
  end
end
for index, pattern in ipairs(patterns) do
  print(("%-34s %8d %8d"):format(pattern, totals[index][1], totals[index][2]))
end
for _, wrong in ipairs({ "(ab", "[z-a]", "*a", "a{3,2}", "[abc", "a)b", "\\" }) do
  local ok, problem = pcall(parse, wrong)
  print(wrong, ok and "accepted" or problem.message .. " at " .. problem.position)
end
print(("%d results agree, checksum %d"):format(agreed, checksum))
