-- socket.smtp against a small server.
local socket, smtp, mime, ltn12 =
    require("socket"), require("socket.smtp"), require("mime"), require("ltn12")

-- A server for one session. It refuses recipients at "nowhere", and returns what it got.
local function server(extensions)
    local listening = assert(socket.bind("127.0.0.1", 0))
    local _, port = listening:getsockname()
    local session = { commands = {} }
    go(function()
        local client = listening:accept()
        listening:close()
        local function say(...) client:send(table.concat({ ... }, "\r\n") .. "\r\n") end
        say("220 ready")
        for line in function() return client:receive() end do
            session.commands[#session.commands + 1] = line
            if line:find("^EHLO") then
                say("250-hello", "250 " .. extensions)
            elseif line:find("nowhere") then
                say("550 no such user")
            elseif line == "AUTH LOGIN" then
                say("334 user")
                session.user = mime.unb64(client:receive())
                say("334 password")
                session.password = mime.unb64(client:receive())
                say("235 welcome")
            elseif line:find("^AUTH PLAIN") then
                session.plain = mime.unb64(line:sub(12))
                say("235 welcome")
            elseif line == "DATA" then
                say("354 go on")
                local text = {}
                for data in function() return client:receive() end do
                    if data == "." then break end
                    text[#text + 1] = data
                end
                session.text = table.concat(text, "\n")
                say("250 accepted")
            elseif line == "QUIT" then
                say("221 bye")
                client:close()
                return
            else
                say("250 ok")
            end
        end
    end)
    return port, session
end

local port, session = server("AUTH LOGIN PLAIN")
assert(smtp.send({
    server = "127.0.0.1",
    port = port,
    domain = "here",
    user = "me",
    password = "secret",
    from = "<me@here>",
    rcpt = { "<a@there>", "<b@there>" },
    source = smtp.message({
        headers = { Subject = "a subject", ["message-id"] = "<1@here>" },
        body = "one\r\n.dot\r\nlast",
    }),
}) == 1)
assert(session.user == "me" and session.password == "secret")
assert(table.concat(session.commands, "|") ==
    "EHLO here|AUTH LOGIN|MAIL FROM:<me@here>|RCPT TO:<a@there>|RCPT TO:<b@there>|DATA|QUIT")
assert(session.text:find("\n\none\n..dot\nlast", 1, true), session.text)
assert(session.text:find("Subject: a subject\n", 1, true))
assert(session.text:find("Message-ID: <1@here>\n", 1, true))
assert(session.text:find("MIME-Version: 1.0\n", 1, true))
assert(session.text:find('Content-Type: text/plain; charset="iso-8859-1"\n', 1, true))

-- A message with parts, and the other way to authenticate.
port, session = server("AUTH PLAIN")
assert(smtp.send({
    server = "127.0.0.1",
    port = port,
    user = "me",
    password = "secret",
    from = "<me@here>",
    rcpt = "<a@there>",
    source = smtp.message({
        headers = { subject = "parts" },
        body = {
            preamble = "before",
            { body = "first part" },
            {
                headers = { ["content-transfer-encoding"] = "base64" },
                body = ltn12.source.chain(
                    ltn12.source.string("second"), mime.encode("base64")),
            },
            epilogue = "after",
        },
    }),
}))
assert(session.plain == "\0me\0secret")
local boundary = session.text:match('multipart/mixed; boundary="(.-)"')
local parts = select(2, session.text:gsub("\n%-%-" .. boundary:gsub("%p", "%%%0") .. "\n", ""))
assert(parts == 2 and session.text:find("\n--" .. boundary .. "--\n", 1, true))
assert(session.text:find("before", 1, true) and session.text:find("c2Vjb25k", 1, true))

-- Refusals are the server's words.
port, session = server("HELP")
local sent, reason = smtp.send({
    server = "127.0.0.1", port = port, from = "<me@here>", rcpt = "<a@nowhere>",
    source = smtp.message({ body = "x" }),
})
assert(sent == nil and reason == "550 no such user", reason)
port = server("HELP")
sent, reason = smtp.send({
    server = "127.0.0.1", port = port, from = "<me@here>", rcpt = "<a@there>", user = "u",
    password = "p", source = smtp.message({ body = "x" }),
})
assert(sent == nil and reason == "authentication not supported", reason)
assert(select(2, smtp.send({ server = "127.0.0.1", port = 1, rcpt = "x" })) == "connection refused")
