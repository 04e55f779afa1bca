// Node's servers: files below a folder, and /echo. server.js PLAIN_PORT TLS_PORT FILES CERTIFICATE KEY
const fs = require("fs");
const http = require("http");
const http2 = require("http2");
const path = require("path");
const [plain, tls, files, cert, key] = process.argv.slice(2);

function answer(request, response) {
  if (request.url === "/echo") {
    response.writeHead(200, { "content-type": "application/octet-stream" });
    request.pipe(response);
    return;
  }
  const file = path.join(files, path.basename(request.url));
  fs.stat(file, (error, stat) => {
    if (error || !stat.isFile()) {
      response.writeHead(404, { "content-length": 0 });
      response.end();
      return;
    }
    response.writeHead(200, { "content-length": stat.size });
    if (request.method === "HEAD") response.end();
    else fs.createReadStream(file).pipe(response).on("error", () => {});
  });
}

http.createServer(answer).listen(Number(plain), "127.0.0.1", () => {
  const options = { cert: fs.readFileSync(cert), key: fs.readFileSync(key), allowHTTP1: true };
  http2.createSecureServer(options, answer).listen(Number(tls), "127.0.0.1");
});
