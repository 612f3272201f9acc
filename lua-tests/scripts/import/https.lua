-- import over TLS: a server with a trusted certificate, and one without.
local function shell(command)
  local pipe = io.popen(command .. " 2>&1")
  local text = pipe:read("*a")
  pipe:close()
  return text
end
local solvm = arg[0]
for i = -1, -20, -1 do
  solvm = arg[i] or solvm
end
local root = os.tmpname()
os.remove(root)
assert(mkdir(root))
local function at(name) return root .. "/" .. name end

write_file(at("openssl.cnf"), [[
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = localhost
[extensions]
basicConstraints = CA:FALSE
subjectAltName = DNS:localhost
]])
shell("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -config " .. at("openssl.cnf")
  .. " -keyout " .. at("key.pem") .. " -out " .. at("cert.pem"))
assert(exists(at("cert.pem")), "openssl is needed")
write_file(at("server.py"), [[
import http.server, ssl, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == '/old.lua':
            self.send_response(301)
            self.send_header('Location', '/secure.lua')
            self.end_headers()
            return
        body = b'return "beside"'
        if self.path == '/secure.lua':
            body = b'return { answer = 42, beside = import("beside") }'
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
import threading
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
]])
-- It ends at the end of its input, a pipe that no other process has open.
shell("mkfifo " .. at("input"))
local server = io.popen("python3 " .. at("server.py") .. " " .. at("cert.pem") .. " "
  .. at("key.pem") .. " < " .. at("input"))
local input = io.open(at("input"), "w")
local port = assert(tonumber(server:read("*l")))
local base = "https://localhost:" .. port

write_file(at("main.lua"), ([[
import("%s/secure.lua")
assert(secure.answer == 42 and secure.beside == "beside")
assert(import("%s/old.lua") == old and old.answer == 42 and old ~= secure)
print("fine")
]]):format(base, base))
local trusted = shell("SSL_CERT_FILE=" .. at("cert.pem") .. " " .. solvm .. " " .. at("main.lua"))
assert(trusted == "fine\n", trusted)
local refused = shell(solvm .. " " .. at("main.lua"))
assert(refused:find("cannot fetch " .. base .. "/secure.lua: ", 1, true)
  and refused:find("certificate", 1, true), refused)
local ok, message = pcall(import, "http://localhost:" .. port .. "/secure.lua")
assert(not ok and message:find("cannot fetch http://localhost:" .. port .. "/secure.lua", 1, true),
  message)

input:close()
server:close()
assert(remove(root, true))
