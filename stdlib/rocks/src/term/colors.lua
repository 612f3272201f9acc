-- term.colors: colours and attributes. Each can be converted to a string, concatenated, and called
-- with a text, which it then applies to.
local tostring = tostring

local colors = {}

local class = {}

function class:__tostring()
    return self.value
end

function class.__concat(a, b)
    return tostring(a) .. tostring(b)
end

function class:__call(text)
    return self.value .. text .. colors.reset
end

local CODES = {
    reset = 0, clear = 0, default = 0, bright = 1, dim = 2, underscore = 4, blink = 5, reverse = 7,
    hidden = 8,
}
for name, code in pairs(CODES) do
    colors[name] = code
end
local NAMES = { "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white" }
for i, name in ipairs(NAMES) do
    colors[name] = 29 + i
    colors["on" .. name] = 39 + i
end
for name, code in pairs(colors) do
    colors[name] = setmetatable({ value = "\27[" .. code .. "m" }, class)
end
return colors
