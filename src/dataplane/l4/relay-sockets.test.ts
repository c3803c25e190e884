import { once } from "node:events";
import net from "node:net";
import { afterEach, expect, it } from "vitest";
import { takeHandles } from "../accept.ts";
import { HandleSocket } from "../handle-socket.ts";
import { sharedReadBuffer } from "../transport.ts";
import { testWorker } from "../worker.fixture.ts";
import { RelayEnd, type EndUser } from "./relay-end.ts";
import { Relay } from "./relay.ts";

const servers: net.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listen(server: net.Server): Promise<number> {
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as net.AddressInfo).port;
}

/** A server that sends back what it gets, behind a relay over real sockets on bare handles. */
async function echoBehindRelay() {
  const context = testWorker();
  const ends: RelayEnd[] = [];
  let closed = 0;
  const total = { fromClient: 0, fromServer: 0 };
  const count = (fromClient: number, fromServer: number) => {
    total.fromClient += fromClient;
    total.fromServer += fromServer;
  };
  const user = (onConnect: () => void): EndUser => ({
    onConnect,
    onData: () => false,
    onFirstData: () => undefined,
    onEnd: () => undefined,
    onClose: () => void closed++,
    onBug: (error) => {
      throw error;
    },
  });
  const echo = await listen(net.createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket)));
  const front = net.createServer({ allowHalfOpen: true });
  const port = await listen(front);
  takeHandles(front, (handle) => {
    const client = new RelayEnd(user(() => undefined));
    const accepted = new HandleSocket(handle, client);
    client.attach(accepted);
    const server = new RelayEnd(user(() => undefined));
    const relay = new Relay(client, server, context, 60_000, { count });
    server.attach(
      HandleSocket.connect("127.0.0.1", echo, server, () => {
        relay.begin(Buffer.alloc(0));
        accepted.resume();
      }),
    );
    ends.push(client, server);
  });
  const client = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  await once(client, "connect");
  return { client, ends, context, total, closed: () => closed };
}

/** Sends bytes and reads as many back. */
async function roundTrip(client: net.Socket, bytes: Buffer): Promise<boolean> {
  const pieces: Buffer[] = [];
  let length = 0;
  client.write(bytes);
  while (length < bytes.length) {
    const [piece] = (await once(client, "data")) as [Buffer];
    pieces.push(piece);
    length += piece.length;
  }
  return Buffer.concat(pieces).equals(bytes);
}

function numbered(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32LE(at, at);
  return bytes;
}

it("gives its buffers back after a quiet time, and goes on with others", async () => {
  const { client, ends, context, total, closed } = await echoBehindRelay();
  const much = numbered(4_000_000);
  let bursts = 0;
  for (let round = 0; round < 3; round++) {
    expect(await roundTrip(client, much)).toBe(true);
    // A burst that ends with a large read, as it does unless the system cuts it otherwise.
    while (ends.every((end) => end.readBuffer === sharedReadBuffer)) {
      expect(await roundTrip(client, numbered(40_000))).toBe(true);
      bursts++;
    }
    context.advance(11_000);
    expect(ends.every((end) => end.readBuffer === sharedReadBuffer)).toBe(true);
    expect(await roundTrip(client, numbered(100))).toBe(true);
  }
  client.end();
  await once(client, "close");
  while (closed() < 2) await new Promise((resolve) => setImmediate(resolve));
  const sent = 3 * 4_000_100 + bursts * 40_000;
  expect(total).toEqual({ fromClient: sent, fromServer: sent });
});
