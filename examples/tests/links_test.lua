local program = import("program")

test("broken links are found, wherever they are", function()
  local asked, at_once, most = {}, 0, 0
  local function page(body)
    return function(req)
      asked[req.path] = (asked[req.path] or 0) + 1
      at_once = at_once + 1
      most = math.max(most, at_once)
      sleep(0.02)
      at_once = at_once - 1
      return { headers = { ["Content-Type"] = "text/html" }, body = body }
    end
  end
  create_server("other", 0, { host = "127.0.0.1" })
  handle_http("other", "/page",
    page('<a href="/never-asked">a page of another site is not read</a>'))
  local other = "http://127.0.0.1:" .. start_server("other")

  create_server("site", 0, { host = "127.0.0.1" })
  handle_http("site", "/", page([[
    <a href="a/one.html">one</a> <a class="x" href='/a/two.html#part'>two</a>
    <a href="mailto:x@example.com">mail</a> <a href="#top">top</a> <a href="/gone">gone</a>
    <img src="missing.png" srcset="never-asked.png 2x">
    <a href="]] .. other .. [[/page">other</a>
    <a href="]] .. other .. [[/nothing">other</a> <a href="http://127.0.0.1:1/">nobody</a> ]]))
  handle_http("site", "/a/one.html",
    page('<a href="two.html?x=1&amp;y=2">two</a> <a href="../">up</a> <a href="deep/">deep</a>'))
  handle_http("site", "/a/two.html",
    page('<a href="one.html">one</a> <a href="?page=2">next</a> <a href="../a/./one.html">one</a>'))
  handle_http("site", "/a/deep/",
    page('<a href="../../../one.html">broken</a>' .. ('<a href="/a/two.html">two</a>'):rep(50)))
  handle_http("site", "/text", function() return "href='/never-asked'" end)
  local site = "http://127.0.0.1:" .. start_server("site")

  local output, code = program.run("links", site .. "/", 3)
  local lines = text.split(text.trim(output), "\n")
  table.sort(lines)
  local expected = {
    "http://127.0.0.1:1/: Connection refused (linked from " .. site .. "/)",
    other .. "/nothing: status 404 (linked from " .. site .. "/)",
    site .. "/gone: status 404 (linked from " .. site .. "/)",
    site .. "/missing.png: status 404 (linked from " .. site .. "/)",
    site .. "/one.html: status 404 (linked from " .. site .. "/a/deep/)",
  }
  local summary
  lines = tablex.filter(lines, function(line)
    if line:find("checked") then summary = line end
    return not line:find("checked")
  end)
  check.matches(summary, "^%d+ links checked, 5 broken$")
  table.sort(expected)
  check.same(lines, expected)
  check.equal(code, 1)
  check.equal(asked["/never-asked"], nil)
  check.equal(asked["/a/one.html"], 1, "nothing is asked for twice")
  check.ok(most > 1 and most <= 3, "so many at once: " .. most)
  stop_server("site")
  stop_server("other")
end)

test("a site without broken links", function()
  create_server("sound", 0, { host = "127.0.0.1" })
  handle_http("sound", "/", function() return "<html><a href='/two'>two</a>" end)
  handle_http("sound", "/two", function() return "<html><a href='/'>one</a>" end)
  local output, code = program.run("links", "http://127.0.0.1:" .. start_server("sound"))
  check.equal(output, "3 links checked, 0 broken\n")
  check.equal(code, 0)
  stop_server("sound")
  output, code = program.run("links", "example.com")
  check.equal(code, 2)
  check.matches(output, "http://")
end)
