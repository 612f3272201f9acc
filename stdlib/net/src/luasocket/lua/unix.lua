-- socket.unix: the module itself may be called, as in older versions, and makes a stream.
local _, unix = ...
function unix.__call(module, ...)
    return module.stream(...)
end
return setmetatable(unix, unix)
