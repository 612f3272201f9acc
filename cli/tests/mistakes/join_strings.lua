local name = "world"
print("hello " + name)
