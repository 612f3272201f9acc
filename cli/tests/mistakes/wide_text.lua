	local s, t = '漢字', nil print(s .. t)
