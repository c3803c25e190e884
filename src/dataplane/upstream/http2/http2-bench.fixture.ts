import { opened } from "../../socket.fixture.ts";
import { testWorker } from "../../worker.fixture.ts";
import { ServerConnections } from "../server-connections.ts";
import { FakeUser, poolConfig } from "../upstream-user.fixture.ts";
import { FakeHttp2Server } from "./http2-server.fixture.ts";

export const GET = "GET /a HTTP/1.1\r\nHost: a.example\r\nX-One: 1\r\n\r\n";
export const POST = "POST /a HTTP/1.1\r\nHost: a.example\r\n\r\n";

export function bench(upstream: object = {}) {
  const context = testWorker();
  const config = poolConfig({ servers: ["127.0.0.1:1"], upstream: { protocol: "h2c", ...upstream } }).upstream;
  const connections = new ServerConnections({ host: "127.0.0.1", port: 1 }, 0, config, context);
  return { connections, context };
}

/** Users that ask for a connection, in order. */
export function asking(connections: ServerConnections, count: number): FakeUser[] {
  return Array.from({ length: count }, () => {
    const user = new FakeUser();
    connections.acquire(user, false);
    return user;
  });
}

/** The server at the other end of the connection that was opened as that one, connected and introduced. */
export async function serve(index = 0, options: ConstructorParameters<typeof FakeHttp2Server>[1] = {}) {
  const socket = opened[index];
  socket.connected();
  const server = new FakeHttp2Server(socket, options);
  await server.turn();
  return server;
}

/** One user whose request, without a body, is with the server. */
export async function asked(upstream: object = {}, text = GET) {
  const { connections, context } = bench(upstream);
  const [user] = asking(connections, 1);
  const server = await serve();
  user.send(text);
  await server.turn();
  user.calls.length = 0;
  return { connections, context, user, server, stream: server.streams[0], socket: opened[0] };
}

/** One more request on what there is. */
export async function more(connections: ServerConnections, server: FakeHttp2Server) {
  const [user] = asking(connections, 1);
  user.send(GET);
  await server.turn();
  return { user, stream: server.streams.at(-1)! };
}
