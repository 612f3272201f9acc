---@meta

---Compression with the interface of lua-zlib 1.2, for programs written for it. It is not a global:
---load it with `require "zlib"`.
---
---A stream is a function: `stream(input, flush)` returns the bytes that have been produced, whether
---the stream has ended, and how many bytes went in and came out in all. A stream that compresses
---ends by `stream()` or by the flush option "finish"; "sync" and "full" return all that has been
---compressed so far. Errors are raised, and start with "InvalidInput" for invalid data and
---"IllegalState" for a stream that has ended. Compression always uses a window of 32 KiB, and the
---functions of lzlib, which some builds of lua-zlib have, do not exist.
---
---```lua
---local zlib = require "zlib"
---local text = ("hello "):rep(100)
---local packed, ended, bytes_in, bytes_out = zlib.deflate()(text, "finish")
---assert(ended and bytes_in == #text and bytes_out == #packed and #packed < 100)
---assert(zlib.inflate()(packed) == text)
---```
---@class zlib
zlib = {}

---The level of the best compression.
zlib.BEST_COMPRESSION = 9

---The level of the fastest compression.
zlib.BEST_SPEED = 1

---The size of the buffers in the original.
zlib._TEST_BUFSIZ = 8192

---The version of the interface.
zlib._VERSION = "lua-zlib 1.2"

---A description of the library.
zlib._DESCRIPTION = "lua-zlib's interface in SolVM"

---The copyright of the interface.
zlib._COPYRIGHT = "Copyright (c) 2009-2016 Brian Maher"

---A stream that compresses. `window` selects the format: 15 for zlib, -15 for data without a
---header, 31 for gzip.
---
---```lua
---local zlib = require "zlib"
---local stream = zlib.deflate(zlib.BEST_SPEED, 31)
---local packed = stream("one ") .. stream("two") .. stream()
---assert(packed:sub(1, 2) == "\31\139" and zlib.inflate()(packed) == "one two")
---```
---@param level? number 0 to 9, default 6
---@param window? number default 15
---@return fun(input?: string, flush?: "none"|"sync"|"full"|"finish"): string, boolean, number, number
function zlib.deflate(level, window) end

---A stream that decompresses. Without `window` it recognises zlib and gzip; -15 is for data without
---a header.
---
---```lua
---local zlib = require "zlib"
---local ok, message = pcall(zlib.inflate(), "not compressed")
---assert(not ok and message:find("^InvalidInput"))
---```
---@param window? number
---@return fun(input?: string): string, boolean, number, number
function zlib.inflate(window) end

---A function that computes the CRC-32 of all its inputs. An input can be another such function,
---whose bytes follow.
---
---```lua
---local zlib = require "zlib"
---local sum = zlib.crc32()
---sum("one ")
---assert(sum("two") == zlib.crc32()("one two"))
---```
---@return fun(input?: string|function): number, number?
function zlib.crc32() end

---A function that computes the Adler-32 checksum of all its inputs.
---@return fun(input?: string|function): number, number?
function zlib.adler32() end

---The version of zlib.
---@return number major
---@return number minor
---@return number patch
function zlib.version() end
