-- Example 33, in the section "Additional Modules / Crypto Module".
-- stdout: Private Key: -----BEGIN
-- stdout: Public Key: -----BEGIN
-- stdout: PASS

-- The example:
-- Hash functions
local data = "Hello, World!"
local md5_hash = crypto.md5(data)
local sha1_hash = crypto.sha1(data)
local sha256_hash = crypto.sha256(data)
local sha512_hash = crypto.sha512(data)

-- Base64 encoding/decoding
local encoded = crypto.base64_encode(data)
local decoded = crypto.base64_decode(encoded)

-- AES encryption/decryption
local key = "1234567890123456"  -- 16 bytes for AES-128
local iv = "1234567890123456"   -- 16 bytes for AES-128
local encrypted = crypto.aes_encrypt(data, key, iv)
local decrypted = crypto.aes_decrypt(encrypted, key, iv)

-- DES encryption/decryption
local des_key = "12345678"  -- 8 bytes for DES
local des_iv = "12345678"   -- 8 bytes for DES
local des_encrypted = crypto.des_encrypt(data, des_key, des_iv)
local des_decrypted = crypto.des_decrypt(des_encrypted, des_key, des_iv)

-- RC4 encryption/decryption
local rc4_key = "mysecretkey"
local rc4_encrypted = crypto.rc4_encrypt(data, rc4_key)
local rc4_decrypted = crypto.rc4_decrypt(rc4_encrypted, rc4_key)

-- RSA key generation
local rsa_keys = crypto.rsa_generate(2048)
print("Private Key:", rsa_keys.private)
print("Public Key:", rsa_keys.public)

-- Random bytes generation
local random = crypto.random_bytes(32)

-- After the example:
assert(md5_hash == "65a8e27d8879283831b664bd8b7f0ad4")
assert(sha1_hash == "0a0a9f2a6772942557ab5355d76af442f8f65e01")
assert(sha256_hash == "dffd6021bb2bd5b0af676290809ec3a53191dd81c7f70a4b28688a362182986f")
assert(sha512_hash:sub(1, 64) == "374d794a95cdcfd8b35993185fef9ba368f160d8daf432d08ba9f1ed1e5abe6c")
assert(sha512_hash:sub(65) == "c69291e0fa2fe0006a52570ef18c19def4e617c33ce52ef0a6e5fbe318cb0387")
assert(encoded == "SGVsbG8sIFdvcmxkIQ==" and decoded == data)
-- As openssl encrypts.
assert(encrypted == "KQ8kBYRmIyMCoh9rwsq6YA==" and decrypted == data)
assert(des_encrypted == "c4k5CS7sYI4uK+QM6zpuvg==" and des_decrypted == data)
assert(rc4_encrypted == "orYU1K9lHsevf1JZ2w==" and rc4_decrypted == data)
assert(#random == 32)
print("PASS")
