-- socket.headers: the usual spelling of header fields, by their names in lower case.
local socket = package.loaded["socket"]
local canonic = {}

-- Names that are not spelt with a capital letter at the start of each word.
for name in string.gmatch([[
    Content-ID Content-MD5 DL-Expansion-History ETag MIME-Version NNTP-Posting-Date SIO-Label
    SIO-Label-History SMTP-Remote-Recipient TE WWW-Authenticate X400-Content-Identifier
    X400-Content-Return X400-Content-Type X400-MTS-Identifier X400-Originator X400-Received
    X400-Recipients X400-Trace Message-ID Original-Message-ID Resent-Message-ID
    Original-Envelope-Id PICS-Label SOAPAction Delivered-To DKIM-Signature ]], "%S+") do
    canonic[string.lower(name)] = name
end

local WORDS = [[
    accept accept-charset accept-encoding accept-language accept-ranges action alternate-recipient
    age allow arrival-date authorization bcc cache-control cc comments connection
    content-description content-disposition content-encoding content-language content-length
    content-location content-range content-transfer-encoding content-type cookie date
    diagnostic-code disposition-notification-options disposition-notification-to expect expires
    final-log-id final-recipient from host if-match if-modified-since if-none-match if-range
    if-unmodified-since in-reply-to keywords last-attempt-date last-modified location
    max-forwards original-recipient pragma proxy-authenticate proxy-authorization range received
    received-from-mta references referer remote-mta reply-to reporting-mta resent-bcc resent-cc
    resent-date resent-from resent-reply-to resent-sender resent-to retry-after return-path sender
    server set-cookie status subject to trailer transfer-encoding upgrade user-agent vary via
    warning will-retry-until x-mailer x-original-to ]]
for name in string.gmatch(WORDS, "%S+") do
    canonic[name] = string.gsub(name, "%f[%w]%l", string.upper)
end

local headers = { canonic = canonic }
if type(socket) == "table" then socket.headers = headers end
return headers
