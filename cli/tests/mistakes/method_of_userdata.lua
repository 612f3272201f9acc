local file = io.tmpfile()
print(file.seek('set'))
