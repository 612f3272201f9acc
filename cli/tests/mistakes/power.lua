local base = 2
print(base ** 10)
