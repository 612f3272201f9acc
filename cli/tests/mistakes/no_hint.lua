print(path .. 'x')
