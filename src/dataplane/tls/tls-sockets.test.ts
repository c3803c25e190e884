import net from "node:net";
import tls from "node:tls";
import { beforeAll, describe, expect, it } from "vitest";
import { TestAuthority, type Issued } from "../../../test/support/certificates.ts";
import { takeHandles } from "../accept.ts";
import { atEnd, RecordingOwner, streamSocketContract, until } from "../stream-socket.contract.ts";
import { adoptSocket, type StreamSocket } from "../transport.ts";
import { ClientTlsContext } from "./client-context.ts";
import { sessionKey } from "./client-options.ts";
import { openTlsConnection } from "./client-tls.ts";
import { openPlainTls } from "./plain-connect.ts";
import { TlsSocket, type HandshakeOwner } from "./tls-socket.ts";
import { tlsHandlesWork, tryTlsHandles } from "./tls-trial.ts";

let ca: TestAuthority;
let web: Issued;
beforeAll(async () => {
  ca = await TestAuthority.create();
  web = await ca.issue({ names: ["example.test"] });
  await tryTlsHandles();
});

const config = { verify: true, ca: [], minVersion: "TLSv1.2" as const };
const clientContext = () => new ClientTlsContext({ ca: [ca.pem], cert: null, key: null }, config);

/** Owns a server's socket until the handshake is done, and passes it on then. */
class Until extends RecordingOwner implements HandshakeOwner {
  onSecure: () => void = () => undefined;
}

function listening(server: net.Server): Promise<number> {
  atEnd(() => server.close());
  return new Promise((resolve) =>
    server.listen({ host: "127.0.0.1", port: 0 }, () => resolve((server.address() as net.AddressInfo).port)),
  );
}

/** The other end is a socket of node:tls; resetting it means resetting what is below. */
function resettable(peer: tls.TLSSocket, below: net.Socket): tls.TLSSocket {
  peer.resetAndDestroy = () => {
    below.resetAndDestroy();
    return peer;
  };
  return peer;
}

async function tlsPeer(port: number, more: tls.ConnectionOptions): Promise<tls.TLSSocket> {
  const below = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  below.on("error", () => undefined);
  const peer = resettable(tls.connect({ socket: below, servername: "example.test", ca: ca.pem, ...more }), below);
  await new Promise<void>((resolve, reject) => peer.once("secureConnect", resolve).once("error", reject));
  // In TLS 1.3 the server sends tickets behind the handshake; they are to be there before the test begins.
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  return peer;
}

it("works on handles here", () => {
  expect(tlsHandlesWork()).toBe(true);
});

describe.each(["TLSv1.3", "TLSv1.2"] as const)("a server's socket on a handle, %s", (version) => {
  streamSocketContract(async (owner) => {
    const context = tls.createSecureContext({ cert: web.chain, key: web.key, maxVersion: version });
    const server = net.createServer();
    const port = await listening(server);
    const accepted = new Promise<StreamSocket>((resolve) => {
      takeHandles(server, (handle) => {
        const first = new Until();
        const socket = new TlsSocket(handle, context, true, first);
        first.onSecure = () => {
          socket.own(owner);
          resolve(socket);
        };
        socket.resume();
      });
    });
    const [peer, socket] = await Promise.all([tlsPeer(port, {}), accepted]);
    return { socket, peer };
  });
});

describe("a server's socket of node:tls", () => {
  streamSocketContract(async (owner) => {
    const server = tls.createServer({ cert: web.chain, key: web.key, allowHalfOpen: true } as tls.TlsOptions);
    const port = await listening(server);
    const accepted = new Promise<StreamSocket>((resolve) =>
      server.once("secureConnection", (socket) => {
        adoptSocket(socket, owner);
        resolve(socket as unknown as StreamSocket);
      }),
    );
    const [peer, socket] = await Promise.all([tlsPeer(port, {}), accepted]);
    return { socket, peer };
  });
});

describe.each([
  ["on a handle", openTlsConnection],
  ["of node:tls", openPlainTls],
])("a client's socket %s", (_name, open) => {
  streamSocketContract(async (owner) => {
    const raw: net.Socket[] = [];
    const server = tls.createServer({ cert: web.chain, key: web.key, allowHalfOpen: true } as tls.TlsOptions);
    server.on("connection", (socket: net.Socket) => void raw.push(socket.on("error", () => undefined)));
    const port = await listening(server);
    const accepted = new Promise<tls.TLSSocket>((resolve) => server.once("secureConnection", resolve));
    const target = { host: "127.0.0.1", port };
    const options = { context: clientContext(), serverName: "example.test", alpn: [] };
    const socket = open(target, owner, options);
    const peer = resettable(await accepted, raw[0]!);
    await until(() => owner.connects === 1 && options.context.session(sessionKey(target, options)) !== undefined);
    return { socket, peer };
  });
});
