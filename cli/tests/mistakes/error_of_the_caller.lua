local function check(x)
  if not x then
    error('argument expected', 2)
  end
end

check(true)
check(nil)
