local flags = 3 & 1
print(flags)
