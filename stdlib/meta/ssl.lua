---@meta

---TLS with the interface of LuaSec 1.2, over rustls. Load it with `require "ssl"`; `ssl.https` is
---`socket.http` over TLS.
---
---```lua no-run
---local socket, ssl = require "socket", require "ssl"
---local connection = assert(socket.connect("example.org", 443))
---connection = assert(ssl.wrap(connection, {
---    mode = "client", protocol = "any", verify = "peer", cafile = "ca.pem",
---}))
---connection:sni("example.org")
---assert(connection:dohandshake())
---```
---
---Protocols are TLS 1.2 and 1.3; older ones are refused (`"tlsv1"`, `"tlsv1_1"`). Differences:
---
---- With `verify = "peer"` a client also checks the name that `sni` gave, and uses the OS's
---  authorities without `cafile` and `capath`.
---- `ciphers` selects among the suites of TLS 1.2 that rustls has, all of them with AEAD and
---  elliptic curves; curves are X25519, P-256 and P-384. `dhparam` and `depth` have no effect.
---- Encrypted keys, lists of revoked certificates (`crl_check`), DANE, and `getfinished`,
---  `getpeerfinished`, `x509:issued` are missing. Options that rustls does not have are
---  `"invalid option"`.
---- Certificates: `extensions` returns the alternative names only.
---@class ssl
ssl = {}

---The version of the interface.
ssl._VERSION = "1.2.0"

---Makes a TLS connection from a TCP connection, which is then without a socket. The parameters are
---a context, or a table as for `newcontext`.
---@param connection any
---@param parameters any
---@return any connection
---@return string? reason
function ssl.wrap(connection, parameters) end

---Makes a context: `mode` ("client", "server"), `protocol` ("any", "tlsv1_2", "tlsv1_3"), `key`,
---`certificate`, `cafile`, `capath`, `verify`, `verifyext`, `options`, `ciphers`, `ciphersuites`,
---`curve`, `curveslist`, `alpn`.
---@param parameters table
---@return any context
---@return string? reason
function ssl.newcontext(parameters) end

---Reads a certificate in PEM.
---@param pem string
---@return any certificate
function ssl.loadcertificate(pem) end

---The part in Rust that `ssl` uses for connections.
---@class ssl.core
ssl.core = {}

---The number of a closed socket.
ssl.core.SOCKET_INVALID = -1

---Makes a connection without a socket.
---@param context userdata
---@return any connection
---@return string? reason
function ssl.core.create(context) end

---Gives a connection the socket with a number.
---@param connection userdata
---@param number number
function ssl.core.setfd(connection, number) end

---Adds a method to all connections.
---@param name string
---@param method function
function ssl.core.setmethod(name, method) end

---The cipher suite in OpenSSL's form, its bits twice, and the protocol.
---@param connection userdata
---@return string? cipher
function ssl.core.info(connection) end

---There is no compression: nil, and "closed" before the handshake.
---@param connection userdata
---@return nil
---@return string? reason
function ssl.core.compression(connection) end

---A description of the library.
---@return string
function ssl.core.copyright() end

---The part in Rust that `ssl.newcontext` uses. Its functions return true, or false and the reason.
---@class ssl.context
ssl.context = {}

---Makes a context.
---@param protocol string
---@return any context
---@return string? reason
function ssl.context.create(protocol) end

---Sets what it is for.
---@param context userdata
---@param mode "client"|"server"
---@return boolean success
---@return string? reason
function ssl.context.setmode(context, mode) end

---Loads a private key in PEM.
---@param context userdata
---@param path string
---@param password? any
---@return boolean success
---@return string? reason
function ssl.context.loadkey(context, path, password) end

---Loads a certificate and its chain in PEM.
---@param context userdata
---@param path string
---@return boolean success
---@return string? reason
function ssl.context.loadcert(context, path) end

---Whether key and certificate belong together.
---@param context userdata
---@return boolean
function ssl.context.checkkey(context) end

---Loads trusted authorities from a file and from a directory.
---@param context userdata
---@param path? string
---@param directory? string
---@return boolean success
---@return string? reason
function ssl.context.locations(context, path, directory) end

---Chooses suites of TLS 1.2.
---@param context userdata
---@param list string
---@return boolean success
---@return string? reason
function ssl.context.setcipher(context, list) end

---Chooses suites of TLS 1.3.
---@param context userdata
---@param list string
---@return boolean success
---@return string? reason
function ssl.context.setciphersuites(context, list) end

---Chooses a curve.
---@param context userdata
---@param name string
---@return boolean success
---@return string? reason
function ssl.context.setcurve(context, name) end

---Chooses curves.
---@param context userdata
---@param list string
---@return boolean success
---@return string? reason
function ssl.context.setcurveslist(context, list) end

---Has no effect.
---@param context userdata
---@param depth number
---@return boolean success
function ssl.context.setdepth(context, depth) end

---Has no effect.
---@param context userdata
---@param f function
---@return boolean success
function ssl.context.setdhparam(context, f) end

---Sets options.
---@param context userdata
---@param ... any
---@return boolean success
---@return string? reason
function ssl.context.setoptions(context, ...) end

---Sets whether the peer is verified: "none", "peer", "client_once", "fail_if_no_peer_cert".
---@param context userdata
---@param ... any
---@return boolean success
---@return string? reason
function ssl.context.setverify(context, ...) end

---Sets the protocols that a client offers.
---@param context userdata
---@param list string
---@return boolean success
function ssl.context.setalpn(context, list) end

---Sets the function that chooses a server's protocols.
---@param context userdata
---@param f function
---@return boolean success
function ssl.context.setalpncb(context, f) end

---The part in Rust for certificates.
---@class ssl.x509
ssl.x509 = {}

---Reads a certificate in PEM.
---@param pem string
---@return any certificate
function ssl.x509.load(pem) end

---A TLS connection. It has `receive`, `send`, `settimeout`, `getstats`, `setstats`, `dirty`,
---`getfd` and `close` as a TCP client. Where that would say "timeout" it says "wantread" or
---"wantwrite".
---@class TlsConnection
local TlsConnection = {}

---Performs the handshake.
---@return boolean success
---@return string? reason
function TlsConnection:dohandshake() end

---Sets a client's name of the server; of a server, the contexts by name, and whether others are
---refused.
---@param name any
---@param strict? boolean
function TlsConnection:sni(name, strict) end

---The name in the handshake.
---@return string? name
function TlsConnection:getsniname() end

---The protocol that was chosen.
---@return string? protocol
function TlsConnection:getalpn() end

---The peer's certificate, or another one of its chain.
---@param number? number
---@return any certificate with `subject`, `issuer`, `serial`, `notbefore`, `notafter`, `validat`,
---`digest`, `pem`, `pubkey`, `extensions`, `getsignaturename`
function TlsConnection:getpeercertificate(number) end

---All certificates of the peer.
---@return table certificates
function TlsConnection:getpeerchain() end

---Whether the peer's certificates are valid; or else a list whose first element has the reasons.
---@return boolean success
---@return table? errors
function TlsConnection:getpeerverification() end

---Key material of the connection.
---@param label string
---@param length number
---@param context? string
---@return string? key
---@return string? reason
function TlsConnection:exportkeyingmaterial(label, length, context) end

---What the last operation waits for: "nothing", "read" or "write".
---@return string
function TlsConnection:want() end

---The parameters of the connection: `cipher`, `protocol`, `bits`, ...; or one of them.
---@param field? string
---@return any
function TlsConnection:info(field) end
