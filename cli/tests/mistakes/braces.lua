local x = true
if (x) {
  print(x)
}
