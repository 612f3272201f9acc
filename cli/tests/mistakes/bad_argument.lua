print(('x'):rep('many'))
print(string.rep('x', 2))
