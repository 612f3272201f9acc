-- A native returns the number of results that the call expects, at any position on the stack.
local find = string.find
local function check(depth)
  find("abc", "b")
  local first = find("abc", "b")
  local a, b = find("abc", "b")
  local x, y, z, more = find("abc", "(b)")
  assert(first == 2 and a == 2 and b == 2 and x == 2 and y == 2 and z == "b" and more == nil)
  local none, nothing = find("abc", "z")
  assert(none == nil and nothing == nil)
  assert(select("#", find("abc", "z")) == 1 and select("#", find("abc", "b()()")) == 4
    and select("#", print == find) == 1)
  local list = { find("abc", "(a)(b)(c)") }
  assert(#list == 5 and list[5] == "c")
  assert(math.max(find("abc", "b")) == 2)
  assert(table.concat({ unpack(list, 3) }) == "abc")
  if depth > 0 then return check(depth - 1), nil end
  return find("abc", "()b()")
end
for depth = 0, 60 do check(depth) end

-- At every distance from the end of a stack that has not grown yet.
for size = 1, 80 do
  local names = {}
  for i = 1, size do names[i] = "l" .. i end
  local source = "local find = ... local " .. table.concat(names, ",")
    .. " return (select('#', find('abc', '()(b)()'))), find('abc', '()(b)()')"
  local count, from, to, a, b, c = coroutine.wrap(assert(loadstring(source)))(find)
  assert(count == 5 and from == 2 and to == 2 and a == 2 and b == "b" and c == 3)
end
