-- Stores of new objects into old ones while the collector marks: nothing that is reachable is lost.
collectgarbage("setpause", 100)
local list, map, captured = {}, {}, nil
local function set(value) captured = value end
local weak = setmetatable({}, { __mode = "k" })

for round = 1, 40 do
  for i = 1, 300 do
    list[i] = { round, i }
    map["k" .. i % 50] = { round, i }
    map.field = { round, i }
    set({ round, i })
    weak[list[i]] = i
    local record = { a = i, b = {}, c = "s" .. i, d = round }
    record.b.c = record
    record.e = { record }
    if i % 7 == 0 then collectgarbage("step", 1) end
    assert(captured[1] == round and captured[2] == i)
    assert(map.field[1] == round and map.field[2] == i)
    assert(record.e[1].b.c == record and record.c == "s" .. i)
  end
  for i = 1, 300 do
    local value = list[i]
    assert(value[1] == round and value[2] == i and weak[value] == i)
  end
  for i = 0, 49 do
    local value = map["k" .. i]
    assert(value[1] == round and value[2] % 50 == i)
  end
end

-- Keys of records: the names live as long as a record that has them.
local records = {}
for round = 1, 30 do
  local make = load(("return function(x) return { n%d = x, m%d = x, o%d = x } end")
    :format(round, round, round))()
  for i = 1, 60 do
    records[(round * 60 + i) % 400] = make(i)
    if i % 9 == 0 then collectgarbage("step", 1) end
  end
end
make = nil
collectgarbage()
for _, record in pairs(records) do
  local count, sum = 0, 0
  for name, value in pairs(record) do
    assert(name:match("^[nmo]%d+$"))
    count, sum = count + 1, sum + value
  end
  assert(count == 3 and sum % 3 == 0)
end
