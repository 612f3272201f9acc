local total = 5
print total
