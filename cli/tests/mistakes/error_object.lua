local function fail()
  error({code = 404})
end
fail()
