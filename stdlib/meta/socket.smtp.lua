---@meta

---Sends mail, with the interface of LuaSocket's module. Load it with `require "socket.smtp"`; the
---fields `SERVER`, `PORT`, `DOMAIN`, `TIMEOUT` and `ZONE` may be set.
---
---```lua no-run
---local smtp = require "socket.smtp"
---assert(smtp.send({
---    server = "mail.example.org",
---    from = "<me@example.org>",
---    rcpt = "<you@example.org>",
---    source = smtp.message({ headers = { subject = "hello" }, body = "How are you?" }),
---}))
---```
---
---The module `socket.tp` has the dialogue of commands and replies that SMTP and FTP share: its
---function `connect(host, port, timeout, create)` returns an object with `command`, `check`,
---`send`,
---`receive`, `source`, `sink` and `close`.
---@class socket.smtp
socket.smtp = {}

---Sends a message: fields `from`, `rcpt` (one or a list), `source`, and `server`, `port`, `domain`,
---`user`, `password`, `step`, `create`.
---@param mail table
---@return 1? success
---@return string? reason
function socket.smtp.send(mail) end

---A source of the text of a message: fields `headers` and `body`, which is a string, a source, or a
---list of messages as parts, with `preamble` and `epilogue`.
---@param message table
---@return function source
function socket.smtp.message(message) end

---Opens a session, for steps that `send` does not make.
---@param server? string
---@param port? number
---@param create? function makes a socket
---@return table session
function socket.smtp.open(server, port, create) end
