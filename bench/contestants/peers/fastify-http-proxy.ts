import httpProxy from "@fastify/http-proxy";
import fastify from "fastify";
import { listenPort, nextOrigin } from "./arguments.ts";

const server = fastify({ keepAliveTimeout: 3_600_000, bodyLimit: 1_000_000_000 });
await server.register(httpProxy, {
  upstream: "",
  undici: { connections: 1024, keepAliveTimeout: 3_600_000, keepAliveMaxTimeout: 3_600_000 },
  replyOptions: { getUpstream: () => `http://127.0.0.1:${nextOrigin()}` },
});
await server.listen({ port: listenPort, host: "127.0.0.1", backlog: 4096 });
