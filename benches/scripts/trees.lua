-- Allocation: complete binary trees of several depths, most of them short-lived, one kept to the
-- end.
local depth = math.min((tonumber(arg and arg[1]) or 14), 20)

local function build(levels)
  if levels == 0 then return { false, false } end
  return { build(levels - 1), build(levels - 1) }
end
local function count(tree)
  if tree[1] then return 1 + count(tree[1]) + count(tree[2]) end
  return 1
end

local kept = build(depth)
local total = 0
for levels = 4, depth, 3 do
  local trees = 2 ^ (depth - levels + 4)
  for _ = 1, trees do total = total + count(build(levels)) end
end

-- The same with named fields, linked both ways.
local function family(levels, parent)
  local node = { parent = parent, size = 1 }
  if levels > 0 then
    node.left, node.right = family(levels - 1, node), family(levels - 1, node)
    node.size = 1 + node.left.size + node.right.size
  end
  return node
end
for _ = 1, 8 do total = total + family(depth - 1).size end
print(string.format("%d %d", total, count(kept)))
