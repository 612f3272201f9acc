---@meta

---MIME's encodings with LuaSocket's interface: filters for `ltn12`, and the functions that they
---call. Load it with `require "mime"`.
---
---The functions take what they have kept of earlier chunks and the next chunk, and return output
---and what they keep; without a chunk they finish.
---
---```lua
---local mime = require "mime"
---assert(mime.b64("hello") == "aGVsbG8=" and mime.unb64("aGVsbG8=") == "hello")
---local encode = mime.encode("base64")
---assert(encode("hel") .. encode("lo") .. encode(nil) == "aGVsbG8=")
---```
---@class mime
mime = {}

---The version of the interface.
mime._VERSION = "MIME 1.0.3"

---Encodes in Base64.
---@param kept? string
---@param chunk? string
---@return string? encoded
---@return string? kept
function mime.b64(kept, chunk) end

---Decodes Base64; other characters are skipped.
---@param kept? string
---@param chunk? string
---@return string? decoded
---@return string? kept
function mime.unb64(kept, chunk) end

---Encodes in quoted-printable; ends of lines become the marker.
---@param kept? string
---@param chunk? string
---@param marker? string
---@return string? encoded
---@return string? kept
function mime.qp(kept, chunk, marker) end

---Decodes quoted-printable.
---@param kept? string
---@param chunk? string
---@return string? decoded
---@return string? kept
function mime.unqp(kept, chunk) end

---Breaks lines that are longer than `length` (76); `left` is the room in the current one.
---@param left number
---@param chunk? string
---@param length? number
---@return string? wrapped
---@return number left
function mime.wrp(left, chunk, length) end

---Breaks lines of quoted-printable by soft breaks.
---@param left number
---@param chunk? string
---@param length? number
---@return string? wrapped
---@return number left
function mime.qpwrp(left, chunk, length) end

---Replaces all kinds of ends of lines by the marker, CRLF by default.
---@param last number the last byte, if the next may belong to the same end; 0 at first
---@param chunk? string
---@param marker? string
---@return string? converted
---@return number last
function mime.eol(last, chunk, marker) end

---Doubles dots at the start of lines, as SMTP requires.
---@param state number 2 at first
---@param chunk? string
---@return string? stuffed
---@return number state
function mime.dot(state, chunk) end

---A filter that encodes: `"base64"` or `"quoted-printable"`.
---@param encoding string
---@param mode? "binary"|"text"
---@return function filter
function mime.encode(encoding, mode) end

---A filter that decodes: `"base64"` or `"quoted-printable"`.
---@param encoding string
---@return function filter
function mime.decode(encoding) end

---A filter that breaks lines: `"text"`, `"base64"` or `"quoted-printable"`.
---@param kind? string
---@param length? number
---@return function filter
function mime.wrap(kind, length) end

---A filter that replaces ends of lines.
---@param marker? string
---@return function filter
function mime.normalize(marker) end

---A filter that doubles dots at the start of lines.
---@return function filter
function mime.stuff() end
