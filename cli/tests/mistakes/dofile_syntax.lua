dofile('missing_end.lua')
