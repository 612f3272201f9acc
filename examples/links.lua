-- Looks for broken links on a web site: reads all its pages, some at a time, and requests all link
-- targets.
--
--   solvm examples/links.lua URL [WORKERS]        (default 8 workers)
--
-- Pages of other sites are requested, but not read. The exit code is 1 if a link is broken.

local start, workers = arg[1], tonumber(arg[2] or 8)
if not start or not workers or workers < 1 then
  io.stderr:write("usage: solvm links.lua URL [WORKERS]\n")
  os.exit(2)
end

-- Scheme, host and port of a URL; nil if it is not http or https.
local function site_of(url)
  return url:match("^https?://[^/?#]+")
end

local site = site_of(start)
if not site then
  io.stderr:write(start, ": URL must start with http:// or https://\n")
  os.exit(2)
end

-- The URL of a link on a page; nil if it cannot be requested (mailto: and the like).
local function resolve(page, link)
  link = text.trim((link:gsub("#.*", ""):gsub("&amp;", "&")))
  local scheme = link:match("^(%a[%w+.-]*):")
  if scheme then
    return (scheme == "http" or scheme == "https") and link or nil
  end
  if link:sub(1, 2) == "//" then
    return page:match("^%a+:") .. link
  end
  local host, path = page:match("^(%a+://[^/?#]+)([^?#]*)")
  if link == "" or link:sub(1, 1) == "?" then
    return host .. path .. link
  end
  if link:sub(1, 1) ~= "/" then
    link = (path:match("^.*/") or "/") .. link
  end
  local route, query = link:match("^([^?]*)(.*)$")
  local parts = {}
  for part in route:gmatch("[^/]+") do
    if part == ".." then
      table.remove(parts)
    elseif part ~= "." then
      parts[#parts + 1] = part
    end
  end
  local is_folder = route:find("/%.?%.?$") and #parts > 0
  return host .. "/" .. table.concat(parts, "/") .. (is_folder and "/" or "") .. query
end

-- Requests a URL: returns the error, if any, and the links on the page.
local function look_at(url)
  local response, problem = http_get(url)
  if not response then
    return problem:sub(#url + #": " + 1), {} -- It starts with the URL.
  end
  if response.status >= 400 then
    return "status " .. response.status, {}
  end
  local links = {}
  local is_page = (response.headers["Content-Type"] or ""):find("text/html", 1, true)
  -- Redirects may have led to another site.
  if is_page and site_of(response.url) == site then
    for name, link in response.body:gmatch("%s(%w+)%s*=%s*[\"']([^\"']*)[\"']") do
      if name == "href" or name == "src" then
        links[#links + 1] = resolve(response.url, link)
      end
    end
  end
  return nil, links
end

-- The workers take URLs from one channel and put their results into another one.
chan("addresses", workers)
chan("findings", workers)
for _ = 1, workers do
  go(function()
    while true do
      local url = receive("addresses")
      if not url then break end
      local problem, links = look_at(url)
      send("findings", { url = url, problem = problem, links = links })
    end
  end)
end

local waiting, known, busy = { start }, { [start] = "the command line" }, 0
local checked, broken = 0, 0
local bar = progress(nil, { label = "checking", unit = "links" })
while #waiting > 0 or busy > 0 do
  if #waiting > 0 and busy < workers then
    send("addresses", table.remove(waiting))
    busy = busy + 1
  else
    local found = receive("findings")
    busy = busy - 1
    checked = checked + 1
    bar:advance()
    if found.problem then
      broken = broken + 1
      print(found.url .. ": " .. found.problem .. " (linked from " .. known[found.url] .. ")")
    end
    for _, link in ipairs(found.links) do
      if not known[link] then
        known[link] = found.url
        waiting[#waiting + 1] = link
      end
    end
  end
end
close_channel("addresses")
bar:clear()

print(checked .. " links checked, " .. broken .. " broken")
os.exit(broken > 0 and 1 or 0)
