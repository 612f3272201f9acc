	local 名 = 1
