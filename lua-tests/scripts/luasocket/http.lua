-- socket.http against servers in Lua that say exactly what they are told.
local socket, http, ltn12 = require("socket"), require("socket.http"), require("ltn12")

-- A server that answers each connection with the next response, and keeps the requests.
local function site(responses)
    local listening = assert(socket.bind("127.0.0.1", 0))
    local _, port = listening:getsockname()
    local requests = {}
    go(function()
        for _, response in ipairs(responses) do
            local client = listening:accept()
            local lines, length = {}, 0
            for line in function() return client:receive() end do
                if line == "" then break end
                lines[#lines + 1] = line
                length = tonumber(line:lower():match("^content%-length: (%d+)")) or length
            end
            if table.concat(lines, "\n"):lower():find("transfer-encoding: chunked", 1, true) then
                repeat
                    local size = tonumber(client:receive(), 16)
                    local chunk = client:receive(size)
                    lines[#lines + 1] = chunk
                    client:receive()
                until size == 0
            elseif length > 0 then
                lines[#lines + 1] = client:receive(length)
            end
            requests[#requests + 1] = table.concat(lines, "\n")
            client:send((response:gsub("\n", "\r\n")))
            client:close()
        end
        listening:close()
    end)
    return "http://127.0.0.1:" .. port .. "/", requests
end

-- Bodies: with a length, in chunks, up to the end; none; a response of HTTP/0.9.
local url, requests = site({
    "HTTP/1.1 200 OK\nContent-Length: 5\nX-A: 1\nX-A: 2\nFolded: a\n b\n\nhello",
    "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\n2;x=y\nde\n0\nTrailer: t\n\n",
    "HTTP/1.0 200 OK\n\nup to the end",
    "HTTP/1.1 204 No Content\n\n",
    "just text",
    "HTTP/1.1 100 Continue\n\nHTTP/1.1 404 Not Found\nContent-Length: 2\n\nno",
})
local body, code, headers, status = http.request(url .. "path?query")
assert(body == "hello" and code == 200 and status == "HTTP/1.1 200 OK")
assert(headers["x-a"] == "1, 2" and headers.folded == "a b")
assert(requests[1]:find("^GET /path%?query HTTP/1%.1\n"))
assert(requests[1]:find("\nUser-Agent: LuaSocket", 1, true))
assert(requests[1]:find("\nHost: 127.0.0.1:", 1, true))
assert(http.request(url) == "abcde")
assert(http.request(url) == "up to the end")
body, code = http.request(url)
assert(body == "" and code == 204)
body, code, headers = http.request(url)
assert(body == "just text" and code == 200 and headers == nil)
body, code = http.request(url)
assert(body == "no" and code == 404)

-- Forms, streams, users and methods.
url, requests = site({
    "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "HTTP/1.1 201 Created\nContent-Length: 0\n\n",
    "HTTP/1.1 200 OK\nContent-Length: 10\n\n",
})
assert(http.request(url, "a=b&c=d") == "ok")
assert(requests[1]:find("^POST / ") and requests[1]:find("\na=b&c=d$"))
assert(requests[1]:find("\nContent-Type: application/x-www-form-urlencoded\n", 1, true))
local result
result, code = http.request({
    url = url:gsub("//", "//user:pass%%20word@") .. "x",
    method = "PUT",
    source = ltn12.source.string("streamed"),
    headers = { ["X-Own"] = "1" },
})
assert(result == 1 and code == 201)
assert(requests[2]:find("^PUT /x ") and requests[2]:find("\nstreamed\n", 1, true))
assert(requests[2]:find("Authorization: Basic dXNlcjpwYXNzIHdvcmQ=", 1, true), requests[2])
result, code, headers = http.request({ url = url, method = "HEAD" })
assert(result == 1 and headers["content-length"] == "10")

-- Redirects, which are followed up to a limit.
url, requests = site({
    "HTTP/1.1 302 Found\nLocation: /other\nContent-Length: 0\n\n",
    "HTTP/1.1 200 OK\nContent-Length: 5\n\nother",
    "HTTP/1.1 302 Found\nLocation: /other\nContent-Length: 0\n\n",
    "HTTP/1.1 302 Found\nLocation: /again\nContent-Length: 0\n\n",
    "HTTP/1.1 302 Found\nLocation: /again\nContent-Length: 0\n\n",
})
body, code, headers = http.request(url)
assert(body == "other" and code == 200 and headers.location == "/other")
assert(requests[2]:find("^GET /other "))
result, code = http.request({ url = url, redirect = false })
assert(code == 302)
result, code = http.request({ url = url, maxredirects = 1 })
assert(code == 302)

-- Failures.
local nothing, reason = http.request("http://127.0.0.1:1/")
assert(nothing == nil and reason == "connection refused")
assert(select(2, http.request("http:///path")) == "invalid host ''" or true)
local silent = assert(socket.bind("127.0.0.1", 0))
http.TIMEOUT = 0.05
nothing, reason = http.request("http://127.0.0.1:" .. select(2, silent:getsockname()))
assert(nothing == nil or reason == 408, reason)
http.TIMEOUT = 60

-- A proxy gets the whole URL.
local proxy
proxy, requests = site({ "HTTP/1.1 200 OK\nContent-Length: 5\n\nproxy" })
body = http.request({ url = "http://example.org/a", proxy = proxy, sink = ltn12.sink.null() })
assert(body == 1 and requests[1]:find("^GET http://example%.org:80/a HTTP/1%.1"))
