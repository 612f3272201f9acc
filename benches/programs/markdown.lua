-- Converts Markdown to HTML: generated articles with headings, nested lists, quotes, code, tables,
-- links by reference and footnotes. Blocks are recognised by a list of handlers, inline markup by
-- gsub with functions; a checker then verifies that all tags are balanced.
local rounds = tonumber(arg and arg[1]) or 340

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

local function escape_all(text)
  return (text:gsub('[&<>"]', entities))
end

-- Keeps entities such as &copy; that the author wrote.
local function escape_text(text)
  text = text:gsub("&(#?%w*;?)", function(rest)
    if rest:sub(-1) == ";" and #rest > 1 then return "&" .. rest end
    return "&amp;" .. rest
  end)
  return (text:gsub("[<>]", entities))
end

local function trim(text)
  return (text:gsub("^%s+", ""):gsub("%s+$", ""))
end

local function split_lines(text)
  local lines = {}
  for line in (text .. "\n"):gmatch("(.-)\n") do
    lines[#lines + 1] = line:gsub("\t", "    ")
  end
  return lines
end

local Markdown = {}
Markdown.__index = Markdown

function Markdown.new()
  return setmetatable({
    references = {}, notes = {}, note_order = {}, slugs = {}, outline = {}, stash = {},
  }, Markdown)
end

-- Finished HTML is replaced by a marker, so that later rules do not touch it.
function Markdown:hide(html)
  local stash = self.stash
  stash[#stash + 1] = html
  return "\1" .. #stash .. "\2"
end

function Markdown:reveal(text)
  local replaced
  repeat
    text, replaced = text:gsub("\1(%d+)\2", function(index) return self.stash[tonumber(index)] end)
  until replaced == 0
  return text
end

function Markdown:link(label, target, title)
  local attributes = ' href="' .. escape_all(target) .. '"'
  if title and title ~= "" then
    attributes = attributes .. ' title="' .. escape_all(title) .. '"'
  end
  return self:hide("<a" .. attributes .. ">") .. label .. self:hide("</a>")
end

function Markdown:note_number(name)
  local note = self.notes[name]
  if not note then return nil end
  if not note.number then
    table.insert(self.note_order, note)
    note.number = #self.note_order
  end
  return note.number
end

function Markdown:inline(text)
  text = text:gsub("\\([\\`*_{}%[%]()#+%-.!|~])", function(character)
    return self:hide(escape_all(character))
  end)
  text = text:gsub("(`+)(.-)%1", function(_, code)
    return self:hide("<code>" .. escape_all(trim(code)) .. "</code>")
  end)
  text = text:gsub("<(%a+://[^%s>]+)>", function(address)
    return self:link(escape_all(address), address)
  end)
  text = escape_text(text)
  text = text:gsub("!%[([^%]]*)%]%(([^%s)]+)%)", function(alternative, source)
    return self:hide(('<img src="%s" alt="%s">'):format(escape_all(source), alternative))
  end)
  text = text:gsub('%[([^%]]+)%]%(([^%s)]+)%s*"?([^)"]*)"?%)', function(label, target, title)
    return self:link(label, target, title)
  end)
  text = text:gsub("%[%^([%w%-]+)%]", function(name)
    local number = self:note_number(name)
    return number and self:hide(('<sup><a href="#note-%d">%d</a></sup>'):format(number, number))
  end)
  text = text:gsub("%[([^%]]+)%]%[([^%]]*)%]", function(label, name)
    local reference = self.references[(name == "" and label or name):lower()]
    return reference and self:link(label, reference.target, reference.title)
  end)
  text = text:gsub("%*%*(%S.-)%*%*", "<strong>%1</strong>")
  text = text:gsub("%*(%S.-)%*", "<em>%1</em>")
  text = text:gsub("~~(%S.-)~~", "<del>%1</del>")
  text = text:gsub("%-%-%-", "&mdash;"):gsub("%.%.%.", "&hellip;")
  text = text:gsub(" ? \n", "<br>\n")
  return self:reveal(text)
end

function Markdown:slug(title)
  local slug = title:lower():gsub("[^%w%s]", ""):gsub("%s+", "-")
  local used = self.slugs[slug]
  self.slugs[slug] = (used or 0) + 1
  return used and slug .. "-" .. used or slug
end

function Markdown:heading(out, level, title)
  local slug = self:slug(title)
  self.outline[#self.outline + 1] = { level = level, title = title, slug = slug }
  out[#out + 1] = ('<h%d id="%s">%s</h%d>'):format(level, slug, self:inline(title), level)
end

-- Each handler looks at the lines from a position on and returns the position behind its block, or
-- nil if the block is of another kind.
local handlers = {}

function handlers.blank(self, lines, at)
  if not lines[at]:find("%S") then return at + 1 end
end

function handlers.fence(self, lines, at, out)
  local fence, language = lines[at]:match("^(```+)%s*(%w*)")
  if not fence then return nil end
  local code, position = {}, at + 1
  while lines[position] and lines[position]:sub(1, #fence) ~= fence do
    code[#code + 1] = escape_all(lines[position])
    position = position + 1
  end
  local class = language ~= "" and ' class="language-' .. language .. '"' or ""
  out[#out + 1] = "<pre><code" .. class .. ">" .. table.concat(code, "\n") .. "</code></pre>"
  return position + 1
end

function handlers.heading(self, lines, at, out)
  local marks, title = lines[at]:match("^(#+)%s+(.-)%s*#*$")
  if not marks or #marks > 6 then return nil end
  self:heading(out, #marks, title)
  return at + 1
end

function handlers.rule(self, lines, at, out)
  local marks = lines[at]:gsub("%s", "")
  if #marks < 3 or not (marks:find("^%-+$") or marks:find("^%*+$")) then return nil end
  out[#out + 1] = "<hr>"
  return at + 1
end

function handlers.quote(self, lines, at, out)
  if lines[at]:sub(1, 1) ~= ">" then return nil end
  local inner = {}
  while lines[at] and lines[at]:find("%S") do
    inner[#inner + 1] = lines[at]:gsub("^> ?", "")
    at = at + 1
  end
  out[#out + 1] = "<blockquote>"
  self:blocks(inner, out)
  out[#out + 1] = "</blockquote>"
  return at
end

local function list_marker(line)
  local marker, space, content = line:match("^([%-%+%*])(%s+)(%S.*)$")
  if marker then return "ul", content, 1 + #space end
  marker, space, content = line:match("^(%d+%.)(%s+)(%S.*)$")
  if marker then return "ol", content, #marker + #space end
end

function handlers.list(self, lines, at, out)
  local kind = list_marker(lines[at])
  if not kind then return nil end
  out[#out + 1] = "<" .. kind .. ">"
  while lines[at] do
    local marker, content, indent = list_marker(lines[at])
    if marker ~= kind then break end
    local item, loose = { content }, false
    at = at + 1
    while lines[at] do
      local line = lines[at]
      if line:sub(1, indent):find("^ +$") and #line > indent then
        item[#item + 1] = line:sub(indent + 1)
      elseif line == "" and lines[at + 1] and lines[at + 1]:sub(1, indent):find("^ +$") then
        item[#item + 1] = ""
        loose = true
      else
        break
      end
      at = at + 1
    end
    local body = {}
    self:blocks(item, body)
    if not loose then body[1] = body[1]:gsub("^<p>(.*)</p>$", "%1") end
    out[#out + 1] = "<li>" .. table.concat(body, "\n") .. "</li>"
    if lines[at] == "" and lines[at + 1] and list_marker(lines[at + 1]) == kind then at = at + 1 end
  end
  out[#out + 1] = "</" .. kind .. ">"
  return at
end

local function table_cells(line)
  local cells = {}
  line = line:gsub("^%s*|", ""):gsub("|%s*$", "") .. "|"
  for cell in line:gmatch("([^|]*)|") do
    cells[#cells + 1] = trim(cell)
  end
  return cells
end

function handlers.table(self, lines, at, out)
  local rule = lines[at + 1]
  if not lines[at]:find("|", 1, true) or not rule or not rule:find("^[|:%- ]+$") then return nil end
  local styles = {}
  for index, cell in ipairs(table_cells(rule)) do
    local left, right = cell:sub(1, 1) == ":", cell:sub(-1) == ":"
    local align = left and right and "center" or right and "right" or left and "left"
    styles[index] = align and ' style="text-align: ' .. align .. '"' or ""
  end
  local function row(line, tag)
    local cells = table_cells(line)
    for index, cell in ipairs(cells) do
      cells[index] = ("<%s%s>%s</%s>"):format(tag, styles[index] or "", self:inline(cell), tag)
    end
    return "<tr>" .. table.concat(cells) .. "</tr>"
  end
  out[#out + 1] = "<table>"
  out[#out + 1] = row(lines[at], "th")
  at = at + 2
  while lines[at] and lines[at]:find("|", 1, true) do
    out[#out + 1] = row(lines[at], "td")
    at = at + 1
  end
  out[#out + 1] = "</table>"
  return at
end

local order = {
  handlers.blank, handlers.fence, handlers.heading, handlers.rule, handlers.quote, handlers.list,
  handlers.table,
}

function handlers.paragraph(self, lines, at, out)
  local parts = {}
  while lines[at] and lines[at]:find("%S") do
    local line = lines[at]
    if #parts > 0 then
      if line:find("^===+$") or line:find("^%-%-%-+$") then
        self:heading(out, line:sub(1, 1) == "=" and 1 or 2, table.concat(parts, " "))
        return at + 1
      end
      if line:find("^[#>`]") or list_marker(line) then break end
    end
    parts[#parts + 1] = line
    at = at + 1
  end
  out[#out + 1] = "<p>" .. self:inline(table.concat(parts, "\n")) .. "</p>"
  return at
end

function Markdown:blocks(lines, out)
  local at = 1
  while at <= #lines do
    local after
    for _, handler in ipairs(order) do
      after = handler(self, lines, at, out)
      if after then break end
    end
    at = after or handlers.paragraph(self, lines, at, out)
  end
end

function Markdown:convert(text)
  local lines, body, out = split_lines(text), {}, {}
  for _, line in ipairs(lines) do
    local note, content = line:match("^%[%^([%w%-]+)%]:%s*(.*)$")
    local name, target, title = line:match('^%[([^%]]+)%]:%s*(%S+)%s*"?([^"]*)"?$')
    if note then
      self.notes[note] = { content = content }
    elseif name then
      self.references[name:lower()] = { target = target, title = title }
    else
      body[#body + 1] = line
    end
  end
  self:blocks(body, out)
  if #self.note_order > 0 then
    out[#out + 1] = "<ol>"
    for number, note in ipairs(self.note_order) do
      out[#out + 1] = ('<li id="note-%d">%s</li>'):format(number, self:inline(note.content))
    end
    out[#out + 1] = "</ol>"
  end
  return table.concat(out, "\n")
end

-- Counts the tags of each kind; raises an error at the first that does not match.
local empty = { br = true, hr = true, img = true }
local function count_tags(html, counts)
  local open = {}
  for closing, tag in html:gmatch("<(/?)(%w+)[^>]*>") do
    if closing == "/" then
      local expected = table.remove(open)
      if expected ~= tag then
        error(("expected </%s>, found </%s>"):format(tostring(expected), tag), 0)
      end
    elseif not empty[tag] then
      open[#open + 1] = tag
    end
    if closing == "" then counts[tag] = (counts[tag] or 0) + 1 end
  end
  if #open > 0 then error("not closed: " .. table.concat(open, " "), 0) end
end

-- The articles.
local seed = 2024
local function random(n)
  seed = (seed * 48271) % 2147483647
  return seed % n + 1
end
local vocabulary = {}
for word in ([[the quick reader of this page finds a table with numbers and several notes about
  how lists are nested in other lists when an author writes plain text rather than markup R&D
  x<y cost&price &copy; snake_case naming]]):gmatch("%S+") do
  vocabulary[#vocabulary + 1] = word
end
local decorations = {
  function(text) return "**" .. text .. "**" end,
  function(text) return "*" .. text .. "*" end,
  function(text) return "`" .. text .. "`" end,
  function(text) return "[" .. text .. "](https://example.org/" .. random(99) .. ' "Page")' end,
  function(text) return "[" .. text .. "][ref" .. random(4) .. "]" end,
  function(text) return text .. "[^n" .. random(6) .. "]" end,
  function(text) return "~~" .. text .. "~~ \\* <https://example.org/?a=1&b=2>" end,
}
local function sentence(count)
  local words = {}
  for i = 1, count do
    local word = vocabulary[random(#vocabulary)]
    if random(6) == 1 then word = decorations[random(#decorations)](word) end
    words[i] = word
  end
  return table.concat(words, " ") .. (random(5) == 1 and "..." or ".")
end
local function article(number)
  local lines = { "Article number " .. number, "======", "", sentence(12), "" }
  local function add(...)
    for i = 1, select("#", ...) do lines[#lines + 1] = (select(i, ...)) end
  end
  for section = 1, 6 do
    add(("#"):rep(random(3) + 1) .. " Section " .. section .. " of *this* page", "")
    add(sentence(10), sentence(14) .. "  ", sentence(9), "")
    add("- " .. sentence(4), "- " .. sentence(5), "  1. " .. sentence(3), "  2. " .. sentence(3),
      "     * " .. sentence(2), "- " .. sentence(6), "", "  " .. sentence(4), "")
    add("> " .. sentence(8), "> " .. sentence(8), ">", "> - " .. sentence(3), "")
    add("```lua", "if a < b then print(\"" .. vocabulary[section] .. "\") end", "```", "")
    add("| name | amount | share |", "|:-----|-------:|:-----:|")
    for row = 1, 3 do
      add(("| %s | %d | %.1f%% |"):format(sentence(2), random(1000), 100 * row / 3))
    end
    add("", section % 2 == 0 and "* * *" or "![picture](images/" .. section .. ".png)", "")
  end
  for i = 1, 4 do add(("[ref%d]: https://example.org/ref/%d \"Reference %d\""):format(i, i, i)) end
  for i = 1, 6 do add(("[^n%d]: Note %d: %s"):format(i, i, sentence(5))) end
  return table.concat(lines, "\n")
end

local counts, length, checksum, sections = {}, 0, 0, 0
for round = 1, rounds do
  local converter = Markdown.new()
  local html = converter:convert(article(round))
  local balanced, message = pcall(count_tags, html, counts)
  if not balanced then error("article " .. round .. ": " .. message) end
  length = length + #html
  sections = sections + #converter.outline
  for i = 1, #html, 16 do checksum = (checksum * 31 + html:byte(i)) % 1000000007 end
end
local tags = {}
for tag in pairs(counts) do tags[#tags + 1] = tag end
table.sort(tags)
for index, tag in ipairs(tags) do tags[index] = tag .. " " .. counts[tag] end
print(table.concat(tags, ", "))
print(("%d bytes, %d sections, checksum %d"):format(length, sections, checksum))
