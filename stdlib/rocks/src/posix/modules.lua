-- posix: the requested module; `posix` itself has what all others have.
if natives.module ~= "posix" then
    return modules[natives.module]
end
local posix = {}
for name, module in pairs(modules) do
    for key, value in pairs(module) do
        posix[key] = value
    end
    -- posix.sys.stat is a field of a field, which must not hide the function of that name.
    local field = name:match "^posix%.(%a+)$"
    if field and posix[field] == nil then
        posix[field] = module
    end
end
for key, value in pairs(modules["posix.time"]) do
    posix[key] = value
end
posix.errno = errno.errno
posix.version = "posix for SolVM, as luaposix 33.4.0"
return posix
