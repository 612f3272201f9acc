local function double(x)
  retrun x * 2
end
