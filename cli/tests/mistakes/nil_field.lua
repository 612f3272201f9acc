local settings = {}
print(settings.window.width)
