-- ssl and ssl.https over the loopback.
local socket, ssl, https, ltn12 =
    require("socket"), require("ssl"), require("ssl.https"), require("ltn12")

local directory = (arg[0]:match("^(.*[/\\])") or "./") .. "../network/certificates/"
local authority = directory .. "ca.pem"
local server_parameters = {
    mode = "server", protocol = "any", options = { "all", "no_sslv3" },
    key = directory .. "key.pem", certificate = directory .. "cert.pem",
}

-- A server for one connection.
local function serve(parameters, handle)
    local listening = assert(socket.bind("127.0.0.1", 0))
    local _, port = listening:getsockname()
    go(function()
        local connection = assert(ssl.wrap(listening:accept(), parameters))
        listening:close()
        local ok, reason = connection:dohandshake()
        handle(connection, ok, reason)
        connection:close()
    end)
    return port
end

local function connect(port, parameters, name)
    local connection = assert(socket.connect("127.0.0.1", port))
    parameters.mode, parameters.protocol = "client", parameters.protocol or "any"
    connection = assert(ssl.wrap(connection, parameters))
    if name then connection:sni(name) end
    local ok, reason = connection:dohandshake()
    return connection, ok, reason
end

local function echo(connection, ok)
    if ok then
        for line in function() return connection:receive() end do connection:send(line .. "\n") end
    end
end

-- Data in both directions, and what is known about the connection.
local client, ok, reason = connect(serve(server_parameters, echo), {
    verify = "peer", cafile = authority,
}, "localhost")
assert(ok, reason)
assert(tostring(client):find("^SSL connection: "))
assert(client:send("hello\n") == 6 and client:receive() == "hello" and client:want() == "nothing")
local long = ("x"):rep(300000)
go(function() client:send(long .. "\n") end)
assert(client:receive() == long)
client:settimeout(0)
local line, why, partial = client:receive()
assert(line == nil and why == "wantread" and partial == "" and client:want() == "read")
local info = client:info()
assert(info.protocol == "TLSv1.3" and info.bits >= 128 and info.cipher:find("^TLS_"))
assert(client:info("protocol") == "TLSv1.3" and client:info("compression") == nil)
assert(client:getpeerverification() == true)
assert(#client:exportkeyingmaterial("EXPORTER-label", 20) == 20)

-- Certificates.
local certificate = client:getpeercertificate()
assert(tostring(certificate):find("^X509 certificate: "))
assert(certificate:validat(os.time()) == true and certificate:validat(0) == false)
assert(#certificate:digest("sha256") == 64 and #certificate:digest() == 40)
assert(certificate:serial():find("^%x+$") and certificate:notafter():find(" GMT$"))
assert(type(certificate:subject()) == "table" and type(certificate:issuer()[1].value) == "string")
local again = ssl.loadcertificate(certificate:pem())
assert(again:digest() == certificate:digest())
local key, kind, bits = certificate:pubkey()
assert(key:find("BEGIN PUBLIC KEY", 1, true) and bits >= 256, kind)
local names = certificate:extensions()["2.5.29.17"]
assert(names.dNSName[1] == "localhost")
assert(ssl.loadcertificate("nonsense") == nil and select(2, certificate:digest("md4")))
client:close()
assert(select(2, client:receive()) == "closed" and tostring(client):find("(closed)", 1, true))

-- Verification: another name, another authority, none.
local function expect_failure(parameters, name, text)
    local _, done, message = connect(serve(server_parameters, function() end), parameters, name)
    assert(done == false and message:find(text, 1, true), message)
end
expect_failure({ verify = "peer", cafile = authority }, "example.org", "certificate verify failed")
expect_failure({ verify = "peer" }, "localhost", "certificate verify failed")
client, ok = connect(serve(server_parameters, echo), { verify = "none" })
assert(ok and client:getpeerverification() == false)
client:close()
client, ok = connect(serve(server_parameters, echo),
    { verify = "peer", verifyext = "lsec_continue" })
assert(ok and type(select(2, client:getpeerverification())) == "table")
client:close()

-- Protocols by name and by the application; names of servers; certificates of clients.
local chosen = {}
for name, value in pairs(server_parameters) do chosen[name] = value end
chosen.alpn = function(offered)
    assert(offered[1] == "one" and offered[2] == "two")
    return { "three", "two" }
end
chosen.protocol = "tlsv1_2"
local seen
client, ok, reason = connect(serve(chosen, function(connection, done)
    seen = done and connection:getsniname() .. " " .. connection:getalpn()
    echo(connection, done)
end), { alpn = { "one", "two" } }, "localhost")
assert(ok, reason)
assert(client:getalpn() == "two" and client:info("protocol") == "TLSv1.2")
assert(client:info("cipher"):find("^ECDHE%-"))
client:send("x\n")
assert(client:receive() == "x" and seen == "localhost two")
client:close()

local function strict(connection, done, message)
    seen = done or message
end
local listening = assert(socket.bind("127.0.0.1", 0))
go(function()
    local connection = assert(ssl.wrap(listening:accept(), server_parameters))
    connection:sni({ known = assert(ssl.newcontext(server_parameters)) }, true)
    strict(connection, connection:dohandshake())
    connection:close()
end)
client, ok = connect(select(2, listening:getsockname()), { verify = "none" }, "unknown")
assert(not ok and seen == "unrecognized name", tostring(seen))

local demanding = {}
for name, value in pairs(server_parameters) do demanding[name] = value end
demanding.verify, demanding.cafile = { "peer", "fail_if_no_peer_cert" }, authority
client = connect(serve(demanding, strict), { verify = "none", protocol = "tlsv1_2" })
assert(type(seen) == "string", tostring(seen))

-- Parameters that cannot be.
local function refused(parameters, text)
    parameters.mode = parameters.mode or "client"
    parameters.protocol = parameters.protocol or "any"
    local context, message = ssl.newcontext(parameters)
    assert(not context and message:find(text, 1, true), message)
end
refused({ protocol = "sslv3" }, "invalid protocol (sslv3)")
refused({ protocol = "tlsv1" }, "invalid protocol (tlsv1)")
refused({ mode = "both" }, "invalid mode (both)")
refused({ key = "missing.pem" }, "error loading private key (")
refused({ certificate = "missing.pem" }, "error loading certificate (")
refused({ cafile = "missing.pem" }, "error loading CA locations (")
refused({ options = "legacy_server_connect" }, "invalid option (legacy_server_connect)")
refused({ verify = "perhaps" }, "invalid verify option (perhaps)")
refused({ ciphers = "RC4-MD5" }, "error setting cipher list")
refused({ curve = "sect571r1" }, "elliptic curve 'sect571r1' not supported")
refused({ alpn = 1 }, "invalid ALPN parameter")
assert(ssl.newcontext({ mode = "client", protocol = "any", ciphers = "HIGH:!aNULL:!MD5" }))

-- HTTPS.
create_server("s", 0, true, directory .. "cert.pem", directory .. "key.pem", { host = "127.0.0.1" })
handle_http("s", "/", function(request) return request.method .. " " .. request.body end)
local port = start_server("s")
local url = "https://localhost:" .. port .. "/"
local body, code = https.request(url)
assert(body == "GET " and code == 200, code)
body = https.request(url, "form")
assert(body == "POST form")
local sink, chunks = ltn12.sink.table()
assert(https.request({ url = url, sink = sink, verify = "peer", cafile = authority }) == 1)
assert(table.concat(chunks) == "GET ")
assert(require("socket.http").request(url) == "GET ")
assert(select(2, https.request({ url = url, proxy = "x" })) == "proxy not supported")
local nothing, message = https.request({ url = url, verify = "peer", sink = sink })
assert(nothing == nil and message:find("certificate verify failed", 1, true), message)
os.exit(0)
