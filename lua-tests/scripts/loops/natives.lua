-- Calls of natives in loops that run often: results, errors, what they see and what they change.

-- Strings and numbers.
do
  local s, sum, found = "hello world", 0, 0
  for i = 1, 300 do
    sum = sum + string.byte(s, i % #s + 1) + #s:sub(i % 5 + 1, i % 5 + 3)
    if s:find("wor", 1, true) then found = found + 1 end
    sum = sum + math.max(i, 50) + tonumber("12") - (select("#", i, s))
  end
  assert(sum == 80724 and found == 300, sum)
end

-- More and fewer results than are expected.
do
  local nils, sum = 0, 0
  for i = 1, 200 do
    local a, b, c, d = ("xy"):byte(1, i % 4)
    if a == nil then nils = nils + 1 end
    if b == nil then nils = nils + 1 end
    if c == nil then nils = nils + 1 end
    local t = { ("xyz"):byte(1, i % 4) }
    sum = sum + #t + (d and 1000 or 0)
    assert(select("#", ("xyz"):byte(1, i % 4)) == i % 4)
  end
  assert(nils == 350 and sum == 300, nils .. " " .. sum)
end

-- A call with many results moves the stack.
do
  local list = {}
  for i = 1, 3000 do list[i] = i end
  local function count(...) return select("#", ...) end
  local total = 0
  for i = 1, 60 do
    local before = i
    total = total + count(unpack(list, 1, i * 50))
    assert(before == i)
  end
  assert(total == 91500)
end

-- Errors have the place of the call, in called functions too.
do
  local function inner(i) local x = i * 2 return string.rep(i > 40 and {} or "x", x) end
  local function outer(i) local y = inner(i) return #y end
  local sum = 0
  local ok, message = pcall(function() for i = 1, 60 do sum = sum + outer(i) end end)
  assert(not ok and sum == 1640)
  local expected = ":45: bad argument #1 to 'rep' (string expected, got table)"
  assert(message:find(expected, 1, true), message)
  local lines = {}
  ok, message = xpcall(function()
    for i = 1, 60 do sum = sum + outer(i) end
  end, function() return debug.traceback("", 2) end)
  for line in message:gmatch(":(%d+): in function") do lines[#lines + 1] = line end
  assert(table.concat(lines, " "):find("45 46 54", 1, true), message)
end

-- Natives that call Lua functions, wait, or yield.
do
  local calls = 0
  for i = 1, 100 do
    local text = ("abc"):gsub("%a", function(c) calls = calls + 1 return c:upper() end)
    assert(text == "ABC")
    local t = { 3, 1, 2 }
    table.sort(t, function(a, b) calls = calls + 1 return a < b end)
    assert(t[1] == 1 and t[3] == 3)
    if i % 25 == 0 then sleep(0) end
  end
  assert(calls > 400)
  local co = coroutine.wrap(function()
    for i = 1, 100 do
      if i % 2 == 0 then coroutine.yield(i) end
      local s = tostring(i)
      if i % 3 == 0 then coroutine.yield(s) end
    end
  end)
  local seen = {}
  for i = 1, 83 do seen[i] = tostring(co()) end
  assert(seen[1] == "2" and seen[2] == "3" and seen[83] == "100", seen[83])
end

-- A native sees and changes local variables.
do
  local changes = 0
  local function change(name, value)
    for index = 1, 100 do
      local found = debug.getlocal(2, index)
      if found == name then debug.setlocal(2, index, value) changes = changes + 1 return end
    end
  end
  local seen = 0
  for i = 1, 100 do
    local x = i * 2
    if i % 10 == 0 then change("x", -i) end
    seen = seen + x
  end
  assert(changes == 10 and seen == 10100 - 1100 - 550, seen)
  local total = 0
  for i = 1, 100 do
    local y = i
    local name, value = debug.getlocal(1, 4)
    for index = 1, 20 do
      name, value = debug.getlocal(1, index)
      if name == "y" then total = total + value break end
    end
  end
  assert(total == 5050, total)
end

-- A hook that is set in a loop is called in it.
do
  local lines = 0
  for i = 1, 60 do
    if i == 50 then debug.sethook(function() lines = lines + 1 end, "l") end
    local x = i
  end
  debug.sethook()
  assert(lines > 20, lines)
end

-- What a loop relies on changes in it: globals, the environment, the functions of a library.
do
  value = 1
  local sum = 0
  for i = 1, 200 do
    if i == 50 then
      for j = 1, 200 do rawset(_G, "added" .. j, j) end
    end
    if i == 100 then rawset(_G, "value", 10) end
    sum = sum + value
    local s = tostring(i)
    sum = sum + #s - #s
  end
  assert(sum == 99 + 1010, sum)
  for j = 1, 200 do rawset(_G, "added" .. j, nil) end
  value = nil
  local real, replaced = string.upper, 0
  for i = 1, 100 do
    if i == 60 then string.upper = function() replaced = replaced + 1 return "?" end end
    local s = ("x"):upper()
    assert(s == (i < 60 and "X" or "?"))
  end
  string.upper = real
  assert(replaced == 41)
  local function scoped()
    local total = 0
    for i = 1, 100 do
      if i == 30 then setfenv(1, setmetatable({ number = 5 }, { __index = _G })) end
      total = total + (number or 1)
      local text = tostring(i)
    end
    return total
  end
  assert(scoped() == 29 + 71 * 5)
end
