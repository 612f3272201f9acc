print('C:\\new', 'C:\\300', '\xZZ')
