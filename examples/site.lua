-- Makes a web site of pages and templates.
--
--   solvm examples/site.lua [SOURCE] [OUTPUT]
--
-- The default of SOURCE is the directory "site" next to this file, that of OUTPUT is public.
--
-- SOURCE contains
--   pages/      HTML without what all pages have in common, with a head of YAML between two lines
--               "---": title, date, template (default "page"), draft (such a page is left out)
--   templates/  the frames of the pages, in the syntax of Go's html/template; they get title, date,
--               content, root (the way back to the site's first page) and pages, a list of all
--               pages with a date, the newest first
--   static/     files that are copied as they are

local here = arg[0]:match("^(.*[/\\])") or ""
local source, output = arg[1] or here .. "site", arg[2] or "public"

-- A page's head and its content.
local function parse(path)
  local content = assert(read_file(path)):gsub("\r\n", "\n")
  local head, body = content:match("^%-%-%-\n(.-\n)%-%-%-\n(.*)$")
  if not head then
    error(path .. ": it does not begin with a head between two lines ---", 0)
  end
  local page, problem = yaml.decode(head)
  if type(page) ~= "table" or not page.title then
    error(path .. ": " .. (problem or "the head has no title"), 0)
  end
  page.content = template.html(body) -- The authors of pages are trusted.
  return page
end

-- All pages, with where they go.
local function read_pages()
  local pages = {}
  local folder = source .. "/pages/"
  for _, path in ipairs(assert(glob(folder .. "**/*.html"))) do
    local page = parse(path)
    if not page.draft then
      page.url = path:sub(#folder + 1)
      page.root = ("../"):rep(select(2, page.url:gsub("/", "")))
      pages[#pages + 1] = page
    end
  end
  return pages
end

local function newest_first(pages)
  local dated = tablex.filter(pages, function(page) return page.date end)
  table.sort(dated, function(a, b) return a.date > b.date end)
  return tablex.map(dated, function(page)
    return { title = page.title, date = page.date, url = page.url }
  end)
end

local function make()
  local frames = assert(template.parse_glob(source .. "/templates/*.html"))
  local pages = read_pages()
  local list = newest_first(pages)
  for _, page in ipairs(pages) do
    page.pages = list
    local text = assert(frames.execute_template((page.template or "page") .. ".html", page))
    local path = output .. "/" .. page.url
    assert(mkdir(path:match("^(.*)/"), true))
    assert(write_file(path, text))
  end
  if exists(source .. "/static") then
    assert(ft.copy(source .. "/static", output))
  end
  return #pages
end

local made, result = pcall(make)
if not made then
  io.stderr:write("site: ", tostring(result), "\n")
  os.exit(1)
end
print(result .. " pages are in " .. output)
