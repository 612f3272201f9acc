---@meta

---Hashes, base64, ciphers, keys and random bytes. Data may be any bytes. Encrypted data is returned
---as base64. MD5, SHA-1, DES and RC4 are broken: use them only for compatibility.
---
---A key or an initialization vector of invalid length raises an error; data that cannot be decoded
---or decrypted returns nil and a message. Other goroutines run while long data is processed.
---
---```lua
---local key, iv = crypto.random_bytes(32), crypto.random_bytes(16)
---local encrypted = crypto.aes_encrypt("secret", key, iv)
---assert(crypto.aes_decrypt(encrypted, key, iv) == "secret")
---```
---@class crypto
crypto = {}

---The MD5 hash of data as 32 hexadecimal digits.
---
---```lua
---assert(crypto.md5("Hello, World!") == "65a8e27d8879283831b664bd8b7f0ad4")
---```
---@param data string
---@return string digits
function crypto.md5(data) end

---The SHA-1 hash of data as 40 hexadecimal digits.
---
---```lua
---assert(crypto.sha1("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d")
---```
---@param data string
---@return string digits
function crypto.sha1(data) end

---The SHA-256 hash of data as 64 hexadecimal digits.
---
---```lua
---assert(crypto.sha256("abc"):sub(1, 16) == "ba7816bf8f01cfea")
---```
---@param data string
---@return string digits
function crypto.sha256(data) end

---The SHA-512 hash of data as 128 hexadecimal digits.
---
---```lua
---assert(#crypto.sha512("abc") == 128)
---```
---@param data string
---@return string digits
function crypto.sha512(data) end

---The message authentication code (HMAC, RFC 2104) of data under a key, as hexadecimal digits.
---
---```lua
---local code = crypto.hmac("sha256", "what do ya want for nothing?", "Jefe")
---assert(code:sub(1, 16) == "5bdcc146bf60754e")
---```
---@param hash "md5"|"sha1"|"sha256"|"sha512"
---@param data string
---@param key string of any length
---@return string digits
function crypto.hmac(hash, data, key) end

---Encodes data as base64 (RFC 4648) with padding, in one line.
---
---```lua
---assert(crypto.base64_encode("Hello") == "SGVsbG8=")
---```
---@param data string
---@return string text
function crypto.base64_encode(data) end

---Decodes base64 with padding; line breaks are skipped.
---
---```lua
---assert(crypto.base64_decode("SGVsbG8=") == "Hello")
---
---local nothing, message = crypto.base64_decode("?")
---assert(nothing == nil and message == "invalid base64")
---```
---@param text string
---@return string? data nil if the input is not valid base64
---@return string? message the error
function crypto.base64_decode(text) end

---Encodes data as two hexadecimal digits per byte.
---
---```lua
---assert(crypto.hex_encode("\0\255") == "00ff")
---```
---@param data string
---@return string digits
function crypto.hex_encode(data) end

---Decodes hexadecimal digits, in lower or upper case.
---
---```lua
---assert(crypto.hex_decode("48656C6c6f") == "Hello")
---```
---@param digits string
---@return string? data nil if they are not two hexadecimal digits for each byte
---@return string? message the error
function crypto.hex_decode(digits) end

---Encrypts data with AES in CBC mode, with PKCS#7 padding.
---
---```lua
---local key = "1234567890123456"
---assert(crypto.aes_encrypt("Hello, World!", key, key) == "KQ8kBYRmIyMCoh9rwsq6YA==")
---```
---@param data string
---@param key string 16, 24 or 32 bytes for AES-128, AES-192 or AES-256
---@param iv string 16 bytes, others for each text
---@return string encrypted base64
function crypto.aes_encrypt(data, key, iv) end

---Decrypts the result of `crypto.aes_encrypt`. With a wrong key or vector the padding is almost
---always invalid; the data is not authenticated otherwise.
---
---```lua
---local key = "1234567890123456"
---local nothing, message = crypto.aes_decrypt("AAAA", key, key)
---assert(nothing == nil and message == "decryption failed: invalid padding")
---```
---@param encrypted string base64
---@param key string 16, 24 or 32 bytes
---@param iv string 16 bytes
---@return string? data nil if it cannot be decrypted
---@return string? message the error
function crypto.aes_decrypt(encrypted, key, iv) end

---Encrypts data with DES in CBC mode, with PKCS#7 padding. DES is broken: use AES.
---
---```lua
---local encrypted = crypto.des_encrypt("data", "12345678", "87654321")
---assert(crypto.des_decrypt(encrypted, "12345678", "87654321") == "data")
---```
---@param data string
---@param key string 8 bytes
---@param iv string 8 bytes
---@return string encrypted base64
function crypto.des_encrypt(data, key, iv) end

---Decrypts the result of `crypto.des_encrypt`.
---
---```lua
---assert(crypto.des_decrypt("AAAA", "12345678", "87654321") == nil)
---```
---@param encrypted string base64
---@param key string 8 bytes
---@param iv string 8 bytes
---@return string? data nil if it cannot be decrypted
---@return string? message the error
function crypto.des_decrypt(encrypted, key, iv) end

---Encrypts data with RC4. RC4 is broken: use AES.
---
---```lua
---assert(crypto.rc4_encrypt("Plaintext", "Key") == "u/MW6NlArwrT")
---```
---@param data string
---@param key string 1 to 256 bytes
---@return string encrypted base64
function crypto.rc4_encrypt(data, key) end

---Decrypts the result of `crypto.rc4_encrypt`. A wrong key yields wrong data.
---
---```lua
---assert(crypto.rc4_decrypt("u/MW6NlArwrT", "Key") == "Plaintext")
---```
---@param encrypted string base64
---@param key string 1 to 256 bytes
---@return string? data nil if the input is not valid base64
---@return string? message the error
function crypto.rc4_decrypt(encrypted, key) end

---Generates a pair of RSA keys, while other goroutines run. It takes about a second for 2048 bits,
---much longer for more.
---
---```lua
---local keys = crypto.rsa_generate(1024)
---assert(keys.private:find("BEGIN PRIVATE KEY") and keys.public:find("BEGIN PUBLIC KEY"))
---```
---@param bits? integer 1024 to 8192; 2048 if left out
---@return { private: string, public: string } keys as PEM: the private key in PKCS#8, the public one as SubjectPublicKeyInfo
function crypto.rsa_generate(bits) end

---Bytes from the operating system's generator, suitable for keys.
---
---```lua
---assert(#crypto.random_bytes(32) == 32)
---```
---@param length integer at most 1048576
---@return string bytes
function crypto.random_bytes(length) end
