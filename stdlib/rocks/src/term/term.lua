-- term: colours, the cursor, and what erases text.
local _, module = ...
local cursor = require "term.cursor"

module.colors = require "term.colors"
module.cursor = cursor
module.clear = cursor.sequence "2J"
module.cleareol = cursor.sequence "K"
cursor.sequence = nil
return module
