local name = 'Ann
print(name)
