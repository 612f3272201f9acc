local text = [[
line
]
print(text)
