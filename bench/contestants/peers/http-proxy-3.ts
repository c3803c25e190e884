import { Agent, createServer } from "node:http";
import { createProxyServer } from "http-proxy-3";
import { listenPort, nextOrigin } from "./arguments.ts";

const proxy = createProxyServer({ xfwd: true, agent: new Agent({ keepAlive: true, maxFreeSockets: 1024 }) });
proxy.on("error", (_error, _request, response) => {
  if ("writeHead" in response && !response.headersSent) response.writeHead(502).end();
  else response.destroy();
});

const server = createServer({ keepAliveTimeout: 3_600_000 }, (request, response) => {
  proxy.web(request, response, { target: `http://127.0.0.1:${nextOrigin()}` });
});
server.listen(listenPort, "127.0.0.1", 4096);
