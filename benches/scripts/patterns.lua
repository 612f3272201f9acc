-- Text processing with patterns: splitting, trimming, counting words, rewriting, templates, reading
-- key-value lines.
local rounds = tonumber(arg and arg[1]) or 120

local words = {
  "alpha", "Beta", "gamma_ray", "delta9", "Epsilon", "zeta", "eta-theta", "iota", "KAPPA", "lambda",
}
local lines = {}
local line = "   %s_%d = \"%s %s\" ; (comment %d (nested)) <b>%s</b>, $%s$ "
  .. "http://host%d.example.com/%s?x=%d&y=%d   "
for i = 1, 400 do
  local a, b, c = words[i % 10 + 1], words[(i * 3) % 10 + 1], words[(i * 7) % 10 + 1]
  lines[i] = line:format(a, i, b, c, i, b, c, i % 7, a, i, i * i)
end
local text = table.concat(lines, "\n")

local function trim(s) return (s:gsub("^%s+", ""):gsub("%s+$", "")) end

local totals = {}
local function count(key, n) totals[key] = (totals[key] or 0) + n end

for round = 1, rounds do
  for line in text:gmatch("[^\n]+") do
    local key, value = line:match("^%s*([%w_%-]+)%s*=%s*\"(.-)\"")
    count("keys", #key)
    count("values", #value)
    count("trimmed", #trim(line))
    local host, path, query = line:match("http://([%w%.]+)/([^?]*)%?(%S*)")
    count("urls", #host + #path)
    for name, number in query:gmatch("(%a)=(%d+)") do count(name, number % 10) end
    if line:find("(comment", 1, true) then count("comments", #line:match("%b()")) end
  end
  local upper, replaced = text:gsub("<b>(.-)</b>", string.upper)
  count("bold", replaced)
  local filled = text:gsub("%$(%w+)%$", { alpha = "A", Beta = "B", zeta = "Z" })
  count("filled", #filled)
  local swapped = text:gsub("(%w+)_(%w+)", "%2_%1")
  count("swapped", #swapped)
  local vowels = select(2, text:gsub("[aeiouAEIOU]", ""))
  count("vowels", vowels)
  local capitals = 0
  for word in text:gmatch("%f[%a]%u%l+") do capitals = capitals + #word end
  count("capitals", capitals)
end

local keys = {}
for key in pairs(totals) do keys[#keys + 1] = key end
table.sort(keys)
for i, key in ipairs(keys) do keys[i] = string.format("%s=%d", key, totals[key]) end
print(table.concat(keys, " "))
