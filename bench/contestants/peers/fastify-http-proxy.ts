import httpProxy from "@fastify/http-proxy";
import fastify from "fastify";
import { listenPort, nextOrigin } from "./arguments.ts";

/** Leaves the field out that speaks about one connection only; the package passes it on in both directions. */
function withoutConnection<T extends { connection?: unknown }>(fields: T): T {
  const copy = { ...fields };
  delete copy.connection;
  return copy;
}

const server = fastify({ keepAliveTimeout: 3_600_000, bodyLimit: 1_000_000_000 });
await server.register(httpProxy, {
  upstream: "",
  undici: { connections: 1024, keepAliveTimeout: 3_600_000, keepAliveMaxTimeout: 3_600_000 },
  replyOptions: {
    getUpstream: () => `http://127.0.0.1:${nextOrigin()}`,
    rewriteRequestHeaders: (_request, headers) => withoutConnection(headers),
    rewriteHeaders: withoutConnection,
  },
});
await server.listen({ port: listenPort, host: "127.0.0.1", backlog: 4096 });
