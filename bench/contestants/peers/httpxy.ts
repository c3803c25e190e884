import { Agent, createServer } from "node:http";
import { createProxyServer } from "httpxy";
import { listenPort, nextOrigin } from "./arguments.ts";

const proxy = createProxyServer({ xfwd: true, agent: new Agent({ keepAlive: true, maxFreeSockets: 1024 }) });

const server = createServer({ keepAliveTimeout: 3_600_000 }, (request, response) => {
  proxy.web(request, response, { target: `http://127.0.0.1:${nextOrigin()}` }).catch(() => {
    if (response.headersSent) response.destroy();
    else response.writeHead(502).end();
  });
});
server.listen(listenPort, "127.0.0.1", 4096);
