-- socket.core: the part in Rust, with the table of look-ups.
local _, core = ...
core.dns = require("socket.dns")
return core
