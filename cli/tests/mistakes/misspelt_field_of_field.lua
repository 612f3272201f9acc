local game = {player = {name = 'Ann', score = 3}}
print(game.player.scroe + 1)
