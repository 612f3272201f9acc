-- The case of long strings is converted in steps, which end between words and never within a
-- character.
local module = text
for _, word in ipairs({ "word ", "ä", "é€", "x\xffy" }) do
    for shift = 0, 3 do
        local text = ("a"):rep(shift) .. word:rep(40000)
        local upper = word:gsub("[a-z]", string.upper):gsub("ä", "Ä"):gsub("é", "É")
        assert(module.upper(text) == ("A"):rep(shift) .. upper:rep(40000))
    end
end
assert(text.title(("ab "):rep(20000)) == ("Ab "):rep(20000))
assert(text.title(("ab"):rep(20000)) == "A" .. ("ab"):rep(20000):sub(2))
assert(text.lower(("WORD\t"):rep(20000)) == ("word\t"):rep(20000))
