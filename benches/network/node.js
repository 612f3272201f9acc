const server = require("http").createServer((request, response) => {
    const body = "Hello from " + request.url
    response.writeHead(200, { "Content-Type": "text/plain", "Content-Length": Buffer.byteLength(body) })
    response.end(body)
})
server.listen(0, "127.0.0.1", () => console.log(server.address().port))
