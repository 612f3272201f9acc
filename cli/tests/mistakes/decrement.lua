local i = 3
i--
print(i)
