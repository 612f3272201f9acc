-- Graph search: breadth first on a grid with walls, Dijkstra with a bucket queue, union-find,
-- topological order.
local rounds = tonumber(arg and arg[1]) or 70

local seed = 3
local function random(n)
  seed = (seed * 16807) % 2147483647
  return seed % n
end
local size = 80

local function grid()
  local walls = {}
  for i = 1, size * size do walls[i] = random(4) == 0 end
  walls[1] = false
  return walls
end

local function breadth_first(walls)
  local distance, queue, head = { [1] = 0 }, { 1 }, 1
  while queue[head] do
    local cell = queue[head]
    head = head + 1
    local x = (cell - 1) % size
    local function visit(near)
      if not walls[near] and not distance[near] then
        distance[near] = distance[cell] + 1
        queue[#queue + 1] = near
      end
    end
    if x > 0 then visit(cell - 1) end
    if x < size - 1 then visit(cell + 1) end
    if cell > size then visit(cell - size) end
    if cell <= size * (size - 1) then visit(cell + size) end
  end
  return distance, #queue
end

local function build_graph(count)
  local edges = {}
  for i = 1, count do
    local list = {}
    for j = 1, 5 do list[j] = { to = random(count) + 1, cost = random(30) + 1 } end
    edges[i] = list
  end
  return edges
end

local function dijkstra(edges)
  local best, buckets, top, cost = { [1] = 0 }, { [0] = { 1 } }, 0, 0
  while cost <= top do
    local bucket = buckets[cost]
    if bucket then
      for _, node in ipairs(bucket) do
        if best[node] == cost then
          for _, edge in ipairs(edges[node]) do
            local through = cost + edge.cost
            if not best[edge.to] or through < best[edge.to] then
              best[edge.to] = through
              buckets[through] = buckets[through] or {}
              table.insert(buckets[through], edge.to)
              if through > top then top = through end
            end
          end
        end
      end
      buckets[cost] = nil
    end
    cost = cost + 1
  end
  local sum = 0
  for _, value in pairs(best) do sum = sum + value end
  return sum
end

local function components(edges)
  local parent, count = {}, #edges
  for i = 1, #edges do parent[i] = i end
  local function root(i)
    while parent[i] ~= i do
      parent[i] = parent[parent[i]]
      i = parent[i]
    end
    return i
  end
  for i, list in ipairs(edges) do
    for j = 1, 1 do
      local a, b = root(i), root(list[j].to)
      if a ~= b then
        parent[a] = b
        count = count - 1
      end
    end
  end
  return count
end

local function depth_order(edges)
  local state, order = {}, {}
  local function visit(i)
    state[i] = true
    for _, edge in ipairs(edges[i]) do
      if edge.to > i and not state[edge.to] then visit(edge.to) end
    end
    order[#order + 1] = i
  end
  for i = 1, #edges do if not state[i] then visit(i) end end
  local checksum = 0
  for i = 1, #order do checksum = (checksum * 31 + order[i]) % 1000003 end
  return checksum
end

local checksum = 0
for _ = 1, rounds do
  local distance, reached = breadth_first(grid())
  local edges = build_graph(4000)
  checksum = (checksum * 31 + reached + (distance[size * size] or 1)
    + dijkstra(edges) + components(edges) + depth_order(edges)) % 1000003
end
print(string.format("%d", checksum))
