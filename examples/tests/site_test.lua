local program = import("program")

test("the site that is here is made", function()
  program.in_folder(function(folder)
    local output, code = program.run("site", "examples/site", folder .. "/public")
    check.equal(code, 0, output)
    check.equal(output, "3 pages are in " .. folder .. "/public\n")
    local function made(name) return assert(read_file(folder .. "/public/" .. name)) end

    local index = made("index.html")
    check.matches(index, "^<!DOCTYPE html>")
    check.contains(index, "<title>The garden</title>\n<link rel=\"stylesheet\" href=\"style.css\">")
    check.contains(index,
      '<ul>\n  <li><a href="posts/beans.html">Beans &amp; peas</a> (2024-05-12)</li>\n'
      .. '  <li><a href="posts/radishes.html">Radishes</a> (2024-04-02)</li>\n</ul>')

    local beans = made("posts/beans.html")
    check.contains(beans, 'href="../style.css"')
    check.contains(beans, '<p class="date">2024-05-12</p>')
    check.contains(beans, 'They need something to climb. <a href="radishes.html">')
    check.equal(made("style.css"), read_file("examples/site/static/style.css"))
    check.ok(not exists(folder .. "/public/posts/melons.html"), "drafts are left out")
  end)
end)

test("a page that is wrong is named", function()
  program.in_folder(function(folder)
    assert(ft.copy("examples/site", folder .. "/site"))
    for content, message in pairs({
      ["<p>no head</p>"] = "does not begin with a head",
      ["---\ntext: x\n---\n"] = "the head has no title",
      ["---\ntitle: [\n---\n"] = "line",
      ["---\ntitle: x\ntemplate: none\n---\n"] = "none.html",
    }) do
      write_file(folder .. "/site/pages/wrong.html", content)
      local output, code = program.run("site", folder .. "/site", folder .. "/public")
      check.equal(code, 1, content)
      check.contains(output, message)
    end
  end)
end)
