-- crypto: published test vectors, invalid keys and data, long data.

-- RFC 1321, FIPS 180 (NIST's examples).
assert(crypto.md5("") == "d41d8cd98f00b204e9800998ecf8427e"
    and crypto.md5("message digest") == "f96b697d7cb7938d525a2f31aaf161d0")
assert(crypto.sha1("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d")
assert(crypto.sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
    == "84983e441c3bd26ebaae4aa1f95129e5e54670f1")
assert(crypto.sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
assert(crypto.sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
assert(crypto.sha512("abc") == "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    .. "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f")
local million = ("a"):rep(1000000)
assert(crypto.md5(million) == "7707d6ae4e027c70eea2a935c2296f21")
assert(crypto.sha1(million) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f")
assert(crypto.sha256(million) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
assert(crypto.sha512(million) == "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
    .. "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b")

-- RFC 2202 and RFC 4231.
assert(crypto.hmac("md5", "Hi There", ("\11"):rep(16)) == "9294727a3638bb1c13f48ef8158bfc9d")
assert(crypto.hmac("sha1", "what do ya want for nothing?", "Jefe")
    == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")
assert(crypto.hmac("sha256", "what do ya want for nothing?", "Jefe")
    == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
assert(crypto.hmac("sha512", "Hi There", ("\11"):rep(20))
    == "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
    .. "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854")
assert(crypto.hmac("sha256", "Test Using Larger Than Block-Size Key - Hash Key First",
    ("\170"):rep(131)) == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")

-- RFC 4648.
for data, text in pairs({
    [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==", fooba = "Zm9vYmE=",
    foobar = "Zm9vYmFy", ["\255\254\0"] = "//4A",
}) do
    assert(crypto.base64_encode(data) == text and crypto.base64_decode(text) == data)
end
assert(crypto.base64_decode("Zm9v\r\nYmFy\n") == "foobar")
assert(crypto.hex_encode("\0\255a") == "00ff61" and crypto.hex_decode("00FF61") == "\0\255a")

local unhex = crypto.hex_decode
local function first_blocks(base64, expected)
    assert(crypto.hex_encode(crypto.base64_decode(base64)):sub(1, #expected) == expected,
        crypto.hex_encode(crypto.base64_decode(base64)))
end

-- NIST SP 800-38A, F.2: AES in CBC mode. (A block of padding follows.)
local plain = unhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    .. "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
local iv = unhex("000102030405060708090a0b0c0d0e0f")
for key, expected in pairs({
    ["2b7e151628aed2a6abf7158809cf4f3c"] =
        "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
        .. "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
    ["8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b"] =
        "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"
        .. "571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd",
    ["603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"] =
        "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
        .. "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b",
}) do
    local encrypted = crypto.aes_encrypt(plain, unhex(key), iv)
    first_blocks(encrypted, expected)
    assert(crypto.aes_decrypt(encrypted, unhex(key), iv) == plain)
end

-- FIPS 81, table B: DES in CBC mode.
local des = crypto.des_encrypt("Now is the time for all ", unhex("0123456789abcdef"),
    unhex("1234567890abcdef"))
first_blocks(des, "e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6")
assert(crypto.des_decrypt(des, unhex("0123456789abcdef"), unhex("1234567890abcdef"))
    == "Now is the time for all ")

-- RFC 6229: RC4 over zeros; and the well-known one.
first_blocks(crypto.rc4_encrypt(("\0"):rep(16), unhex("0102030405")),
    "b2396305f03dc027ccc3524a0a1118a8")
first_blocks(crypto.rc4_encrypt("Plaintext", "Key"), "bbf316e8d940af0ad3")
assert(crypto.rc4_decrypt(crypto.rc4_encrypt("Plaintext", "Key"), "Key") == "Plaintext")

-- All lengths of data.
for length = 0, 40 do
    local data = crypto.random_bytes(length)
    assert(#data == length)
    local aes = crypto.aes_encrypt(data, ("k"):rep(32), ("i"):rep(16))
    assert(crypto.aes_decrypt(aes, ("k"):rep(32), ("i"):rep(16)) == data)
    local des = crypto.des_encrypt(data, "12345678", "12345678")
    assert(crypto.des_decrypt(des, "12345678", "12345678") == data)
    assert(crypto.rc4_decrypt(crypto.rc4_encrypt(data, "k"), "k") == data)
end

-- Data that cannot be decrypted.
local function fails(message, value, got)
    assert(value == nil and got == message, tostring(got))
end
local key = "1234567890123456"
fails("invalid base64", crypto.base64_decode("a"))
fails("invalid base64", crypto.base64_decode("Zg"))
fails("invalid base64", crypto.base64_decode("Z*=="))
fails("invalid hexadecimal", crypto.hex_decode("abc"))
fails("invalid hexadecimal", crypto.hex_decode("xy"))
fails("invalid base64", crypto.aes_decrypt("?", key, key))
fails("decryption failed: invalid padding", crypto.aes_decrypt("", key, key))
fails("decryption failed: invalid padding", crypto.aes_decrypt("Zm9v", key, key))
fails("decryption failed: invalid padding",
    crypto.aes_decrypt(crypto.aes_encrypt("data", key, key), "6543210987654321", key))
fails("decryption failed: invalid padding",
    crypto.des_decrypt("AAAAAAAAAAA=", "12345678", "12345678"))
fails("invalid base64", crypto.rc4_decrypt("?", "key"))

-- Invalid arguments.
local function raises(code, message)
    local ok, got = pcall(assert(loadstring(code, "=code")))
    assert(not ok and got == "code:1: " .. message, tostring(got))
end
raises("crypto.md5()", "bad argument #1 to 'md5' (string expected, got no value)")
raises("crypto.aes_encrypt('', 'short', '')",
    "bad argument #2 to 'aes_encrypt' (invalid key length 5 (expected 16, 24 or 32))")
raises("crypto.aes_decrypt('', ('k'):rep(16), '')",
    "bad argument #3 to 'aes_decrypt' (invalid IV length 0 (expected 16))")
raises("crypto.des_encrypt('', ('k'):rep(7), '')",
    "bad argument #2 to 'des_encrypt' (invalid key length 7 (expected 8))")
raises("crypto.des_decrypt('', ('k'):rep(8), 'i')",
    "bad argument #3 to 'des_decrypt' (invalid IV length 1 (expected 8))")
raises("crypto.rc4_encrypt('', '')",
    "bad argument #2 to 'rc4_encrypt' (invalid key length 0 (expected 1 to 256))")
raises("crypto.rc4_decrypt('', ('k'):rep(257))",
    "bad argument #2 to 'rc4_decrypt' (invalid key length 257 (expected 1 to 256))")
raises("crypto.hmac('sha3', '', '')",
    "bad argument #1 to 'hmac' (hash must be 'md5', 'sha1', 'sha256' or 'sha512')")
for _, wrong in ipairs { "1.5", "0/0", "1/0" } do
    local ok, message = pcall(loadstring("crypto.random_bytes(" .. wrong .. ")"))
    local expected = "bad argument #1 to 'random_bytes' (integer expected, got "
    assert(not ok and message:find(expected, 1, true), message)
end
raises("crypto.random_bytes(-1)",
    "bad argument #1 to 'random_bytes' (length must be between 0 and 1048576)")
raises("crypto.rsa_generate(512)", "bad argument #1 to 'rsa_generate' (bits must be 1024 to 8192)")

-- Long data is processed on another thread, while other goroutines run.
local long = crypto.random_bytes(100000)
assert(crypto.random_bytes(16) ~= crypto.random_bytes(16))
local ticks = 0
go(function()
    while long do
        ticks = ticks + 1
        sleep(0)
    end
end)
local encrypted = crypto.aes_encrypt(long, key, key)
assert(crypto.aes_decrypt(encrypted, key, key) == long
    and crypto.hex_decode(crypto.hex_encode(long)) == long)
local keys = crypto.rsa_generate(1024)
long = nil
assert(ticks > 0)
assert(keys.private:find(
    "^%-%-%-%-%-BEGIN PRIVATE KEY%-%-%-%-%-\n.*\n%-%-%-%-%-END PRIVATE KEY%-%-%-%-%-\n$"))
assert(keys.public:find(
    "^%-%-%-%-%-BEGIN PUBLIC KEY%-%-%-%-%-\n.*\n%-%-%-%-%-END PUBLIC KEY%-%-%-%-%-\n$"))
