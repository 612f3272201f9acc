---@meta

---HTTP: a client and servers, with HTTPS, HTTP/2 and WebSockets.
---
---Functions of the client wait for the response while other goroutines continue. Each request to a
---server is handled in its own goroutine, by a function that gets the request and returns the
---response:
---
---```lua
---create_server("site", 0, { host = "127.0.0.1" })
---handle_http("site", "/hello/:name", function(req)
---    return "Hello, " .. req.params.name .. "!"
---end)
---local port = start_server("site")
---
---local response = http_get("http://127.0.0.1:" .. port .. "/hello/Lua")
---assert(response.status == 200 and response.body == "Hello, Lua!")
---stop_server("site")
---```
---@class http
local http = {}

---A response, as the client functions return it.
---@class HttpResponse
---@field status integer the status, such as 200
---@field headers table<string, string|string[]> the header fields; names are case-insensitive, and have the form `Content-Type` in a loop
---@field body string the body, unpacked; nil if it was saved to a file
---@field size? integer with `save_to`: how many bytes were saved
---@field url string the final URL, after redirects
local HttpResponse = {}

---Options of the client functions.
---@class HttpOptions
---@field headers? table<string, string|string[]> header fields to send: at most 1000, of at most 64 KiB
---@field timeout? number seconds for the whole call (default 10; 0 means no limit)
---@field redirects? integer how many redirects are followed (default 10; with 0 the redirect itself is returned)
---@field save_to? string a file for the body, which then need not fit into memory; it is replaced when everything has come
---@field ca_file? string a PEM file with the certificates of the only authorities to trust, instead of the operating system's
---@field insecure? boolean trust any certificate (default false)
local HttpOptions = {}

---Sends a GET request.
---
---A status such as 404 is a response like any other. If there is no response (no connection, an
---invalid certificate, a timeout), the result is nil and the reason, and the handlers of `on_error`
---are called. The body must fit below the memory limit, unless it is saved to a file. Connections
---are kept alive and reused. They go to the host of the URL: proxies in the environment, such as
---`HTTP_PROXY`, are not used.
---
---```lua
---create_server("s", 0, { host = "127.0.0.1" })
---handle_http("s", "/", function()
---  return { headers = { ["X-Test"] = "yes" }, body = "content" }
---end)
---local url = "http://127.0.0.1:" .. start_server("s") .. "/"
---
---local response = http_get(url)
---assert(response.status == 200 and response.body == "content"
---  and response.headers["x-test"] == "yes")
---assert(http_get(url, { save_to = "file.txt" }).size == 7)
---assert(io.open("file.txt"):read("*a") == "content")
---
---stop_server("s")
---local nothing, reason = http_get(url)
---assert(nothing == nil and reason:find(url, 1, true))
---```
---@param url string
---@param options? HttpOptions
---@return HttpResponse? response nil if there was no response
---@return string? reason why not
function http_get(url, options) end

---Sends a POST request with a body; otherwise as `http_get`.
---
---```lua
---create_server("s", 0, { host = "127.0.0.1" })
---handle_http("s", "/", function(req)
---  return req.method .. " " .. req.headers["Content-Type"] .. " " .. req.body
---end)
---local url = "http://127.0.0.1:" .. start_server("s") .. "/"
---
---assert(http_post(url, json_encode({ 1, 2 })).body == "POST application/json [1,2]")
---assert(http_post(url, "a=1", "application/x-www-form-urlencoded").body:find("urlencoded a=1"))
---assert(http_post(url, "x", { timeout = 5, headers = { ["Content-Type"] = "text/plain" } }).status
---  == 200)
---stop_server("s")
---```
---@param url string
---@param body? string
---@param content_type? string|HttpOptions what the body is (default `application/json`), or options
---@return HttpResponse? response nil if there was no response
---@return string? reason why not
function http_post(url, body, content_type) end

---Sends a PUT request; otherwise as `http_post`.
---@param url string
---@param body? string
---@param content_type? string|HttpOptions what the body is (default `application/json`), or options
---@return HttpResponse? response nil if there was no response
---@return string? reason why not
function http_put(url, body, content_type) end

---Sends a DELETE request; otherwise as `http_get`.
---@param url string
---@param options? HttpOptions
---@return HttpResponse? response nil if there was no response
---@return string? reason why not
function http_delete(url, options) end

---Sends a request with any method, body and header fields; otherwise as `http_get`.
---
---```lua
---create_server("s", 0, { host = "127.0.0.1" })
---handle_http("s", "/", function(req) return req.method .. " " .. req.headers.Authorization end)
---local url = "http://127.0.0.1:" .. start_server("s") .. "/"
---
---local response = http_request("PATCH", url, "body", { ["Authorization"] = "Bearer token" })
---assert(response.body == "PATCH Bearer token")
---stop_server("s")
---```
---@param method string
---@param url string
---@param body? string
---@param headers? table<string, string|string[]>
---@param options? HttpOptions
---@return HttpResponse? response nil if there was no response
---@return string? reason why not
function http_request(method, url, body, headers, options) end

---A request, as handlers and middleware get it. It is a plain table: middleware may change it for
---the handler.
---@class HttpRequest
---@field method string `"GET"` and the like
---@field path string the path, with its percent signs decoded
---@field query string the raw query after the question mark; empty if there is none
---@field query_params table<string, string> the values of the query by name; of repeated names, the first value
---@field headers table<string, string> the header fields; names are case-insensitive, and have the form `Content-Type` in a loop
---@field params table<string|integer, string> the values of the pattern's parameters, by name and by number; that of `*` is `params["*"]`. JSON of it has both
---@field body string the body; empty if there is none
---@field remote_addr string the client's address and port, `"127.0.0.1:51234"`
local HttpRequest = {}

---A handler's response, if it is not just a string for the body.
---@class HttpAnswer
---@field status? integer from 200 to 599 (default 200)
---@field headers? table<string, string|string[]> header fields; a list sets multiple fields of the same name, as for `Set-Cookie`. With those of middleware, at most 1000 fields, of at most 64 KiB. Without a `Content-Type` it is `text/html` if the body starts like a page, otherwise `text/plain` or, for binary data, `application/octet-stream`
---@field body? string|fun():string? the body; or a function that is called for each chunk until it returns nil
local HttpAnswer = {}

---Options of a server: limits for its clients.
---@class HttpServerOptions
---@field host? string the name or address of the interface (default: all of them)
---@field max_body? integer maximum bytes of a request's body (default 10 MiB); the response to a larger one is 413
---@field max_header? integer maximum bytes of a request's line and header fields (default 64 KiB, at least 8192; a quarter of it in HTTP/2, but at least 8192); the response to a larger one is 431, as to more than 100 fields in HTTP/1.1 and 200 in HTTP/2
---@field max_message? integer bytes of a WebSocket's message (default 16 MiB); more ends it with the code 1009
---@field max_connections? integer connections at a time (default 10000); more have to wait. Where memory is scarce, idle connections are closed
---@field header_timeout? number seconds for the header of a request to come, and for TLS to be agreed on (default 10)
---@field idle_timeout? number seconds between requests, between the parts of a body, and that a client may not read (default 60)
---@field handler_timeout? number seconds until a handler starts its response (default 30, unless `-timeout` was given; see `-handler-timeout`)
local HttpServerOptions = {}

---Creates a server, which does nothing until `start_server`. For HTTPS it needs the files of a
---certificate (with its chain) and of its key, both in PEM form; it then also supports HTTP/2.
---
---It raises an error if the name is in use or a file is invalid.
---
---```lua
---create_server("plain", 8080)
---create_server("small", 0, false, nil, nil, { host = "127.0.0.1", max_body = 1000 })
---
---local ok, message = pcall(create_server, "secure", 8443, true, "cert.pem", "key.pem")
---assert(not ok and message:find("cert.pem", 1, true), "there is no such file here")
---```
---@param name string the server's name for the other functions
---@param port integer 0 for any that is free
---@param https? boolean|HttpServerOptions whether it is one of HTTPS (default false); or the options
---@param certificate? string path of the certificate
---@param key? string path of its private key
---@param options? HttpServerOptions also as the last argument before those that are not needed
function create_server(name, port, https, certificate, key, options) end

---Registers the handler for a path. If multiple patterns match, the most specific one is used; the
---response for a path without a handler is 404.
---
---- `/exact/path` matches that path alone;
---- `/user/:id` has a parameter for one segment: `req.params.id` and `req.params[1]`;
---- `/files/*` matches everything below (and `/files` itself), with the rest as `req.params["*"]`.
---
---The function returns a string, or a table with at least one of `status`, `headers` and `body`. If
---it fails or returns anything else, the client gets 500 and the handlers of `on_error` get the
---error. It may wait, for example for another server or a channel, while other requests are
---handled.
---
---```lua
---create_server("s", 0, { host = "127.0.0.1" })
---handle_http("s", "/form", function(req)
---    if req.method ~= "POST" then
---        return { status = 405, headers = { Allow = "POST" } }
---    end
---    return {
---      status = 201, headers = { ["Content-Type"] = "application/json" },
---      body = json_encode({ length = #req.body }),
---    }
---end)
----- A body that is made as it is sent: server-sent events.
---handle_http("s", "/events", function(req)
---    local count = 0
---    return {
---        headers = { ["Content-Type"] = "text/event-stream" },
---        body = function()
---            count = count + 1
---            if count > 3 then return nil end
---            sleep(0.01)
---            return "data: " .. count .. "\n\n"
---        end,
---    }
---end)
---local base = "http://127.0.0.1:" .. start_server("s")
---
---assert(http_get(base .. "/form").status == 405)
---assert(http_post(base .. "/form", "12345").body == '{"length":5}')
---assert(http_get(base .. "/events").body == "data: 1\n\ndata: 2\n\ndata: 3\n\n")
---assert(http_get(base .. "/other").status == 404)
---stop_server("s")
---```
---@param name string the server's
---@param pattern string
---@param handler fun(req: HttpRequest): string|HttpAnswer
function handle_http(name, pattern, handler) end

---Registers the handler for WebSockets that are opened at a path; patterns are those of
---`handle_http`. The socket is closed when the function returns. See `ws_connect` for the client.
---
---```lua
---create_server("s", 0, { host = "127.0.0.1" })
---handle_ws("s", "/echo", function(ws)
---    ws.send("Connected!")
---    while true do
---        local message = ws.receive()
---        if not message then break end
---        ws.send("Echo: " .. message)
---    end
---end)
---local ws = ws_connect("ws://127.0.0.1:" .. start_server("s") .. "/echo")
---
---assert(ws.receive() == "Connected!")
---ws.send("hello")
---assert(ws.receive() == "Echo: hello")
---ws.close()
---stop_server("s")
---```
---@param name string the server's
---@param pattern string
---@param handler fun(ws: WebSocket, req: HttpRequest)
function handle_ws(name, pattern, handler) end

---Adds a function that is called for matching requests before their handlers. Middleware functions
---are called in the order in which they were added. The result decides:
---
---- `false`: the client gets 401;
---- a table with a `body`: that is the response;
---- a table without one: its fields (or those in its field `headers`) are added to the header of
---  the response;
---- anything else: the request continues.
---
---```lua
---create_server("s", 0, { host = "127.0.0.1" })
---handle_http("s", "/secret", function(req) return "for " .. req.user end)
---use_middleware("s", "*", function(req) return { ["X-Served-By"] = "SolVM" } end)
---use_middleware("s", "/secret/*", function(req)
---    if req.headers.Authorization ~= "key" then return false end
---    req.user = "you"
---end)
---local url = "http://127.0.0.1:" .. start_server("s") .. "/secret"
---
---assert(http_get(url).status == 401)
---local response = http_get(url, { headers = { Authorization = "key" } })
---assert(response.body == "for you" and response.headers["X-Served-By"] == "SolVM")
---stop_server("s")
---```
---@param name string the server's
---@param pattern string
---@param middleware fun(req: HttpRequest): false|table|nil
function use_middleware(name, pattern, middleware) end

---Serves the files of a directory below a path, with their types, ETags, dates and ranges;
---`index.html` for a directory. Nothing outside the directory can be reached, not even through
---links, and nothing whose name starts with a dot (except `.well-known`).
---
---It raises an error if the directory does not exist.
---
---```lua
---local file = io.open("page.html", "w")
---file:write("<h1>Hello</h1>")
---file:close()
---create_server("s", 0, { host = "127.0.0.1" })
---serve_static("s", "/", ".")
---local base = "http://127.0.0.1:" .. start_server("s")
---
---local response = http_get(base .. "/page.html")
---assert(response.body == "<h1>Hello</h1>"
---  and response.headers["Content-Type"] == "text/html; charset=utf-8")
---assert(http_get(base .. "/none.html").status == 404)
---stop_server("s")
---```
---@param name string the server's
---@param prefix string the path below which the files are
---@param directory string
function serve_static(name, prefix, directory) end

---Starts a server. The program then runs until the server is stopped, or a signal ends it. Handlers
---can still be added.
---
---It raises an error if the server is already running or the port is in use.
---
---```lua
---create_server("s", 0, { host = "127.0.0.1" })
---local port = start_server("s")
---create_server("other", port, { host = "127.0.0.1" })
---assert(not pcall(start_server, "other"), "the port is taken")
---stop_server("s")
---```
---@param name string
---@return integer port the port on which it listens
function start_server(name) end

---Stops a server: its port is free at once, requests in flight have up to 5 seconds to finish,
---WebSockets are closed with the code 1001. Handlers that still run after these 5 seconds are
---ended. It can be started again.
---
---```lua
---create_server("s", 0, { host = "127.0.0.1" })
---start_server("s")
---assert(stop_server("s") == true)
---assert(stop_server("s") == false, "it is stopped already")
---```
---@param name string
---@return boolean stopped whether it was running
function stop_server(name) end
