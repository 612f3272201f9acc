local t = {3, 1, 2}
sort(t)
