// prints one
print(1)
