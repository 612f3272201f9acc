-- Long operations of native code are charged: another goroutine runs between them.
-- whole slices: yes
local size = 1e6
local text, same = ("x"):rep(size) .. "y", ("x"):rep(size) .. "y"
local later = ("x"):rep(size) .. "z"
local by_text = { [text] = 1 }
local empty = {}
for i = 1, size do empty[i] = i end
for i = 1, size do empty[i] = nil end

local loops = {
    ["=="] = function(n) for _ = 1, n do if not (text == same) then error() end end end,
    ["~="] = function(n) for _ = 1, n do if text ~= same then error() end end end,
    ["<"] = function(n) for _ = 1, n do if not (text < later) then error() end end end,
    ["<="] = function(n) for _ = 1, n do if not (text <= same) then error() end end end,
    ["a long key"] = function(n) for _ = 1, n do if by_text[same] ~= 1 then error() end end end,
    ["a store with a long key"] = function(n) for _ = 1, n do by_text[same] = 1 end end,
    [".."] = function(n) for _ = 1, n / 20 do local _ = text .. "z" end end,
    ["pairs"] = function(n) for _ = 1, n / 20 do for _ in pairs(empty) do error() end end end,
    ["next"] = function(n) for _ = 1, n / 20 do if next(empty) then error() end end end,
    ["-"] = function(n) for _ = 1, n / 20 do pcall(function() return -text end) end end,
}

-- The processor time between two turns of this goroutine, at most. A slice takes 10 ms.
local longest, last = 0, os.clock()
local is_done = false
go(function()
    while not is_done do
        sleep(0.001)
        local now = os.clock()
        longest, last = math.max(longest, now - last), now
    end
end)

for name, loop in pairs(loops) do
    loop(200)
    longest, last = 0, os.clock()
    local start = last
    repeat loop(20000) until os.clock() - start > 0.2
    longest = math.max(longest, os.clock() - last)
    assert(longest < 0.15, name .. ": " .. longest .. " s without a turn")
end
is_done = true
