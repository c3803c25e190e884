import net from "node:net";
import tls from "node:tls";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { TestAuthority, DAY, type Issued } from "../../../test/support/certificates.ts";
import type { PoolTlsMaterial } from "../../config/tls-material.ts";
import { RecordingOwner, until } from "../stream-socket.contract.ts";
import { ClientTlsContext } from "./client-context.ts";
import { openTlsConnection } from "./client-tls.ts";
import { openPlainTls } from "./plain-connect.ts";
import { tryTlsHandles } from "./tls-trial.ts";

let ca: TestAuthority;
let web: Issued;
let old: Issued;
let client: Issued;
beforeAll(async () => {
  ca = await TestAuthority.create();
  web = await ca.issue({ names: ["example.test", "127.0.0.1"] });
  old = await ca.issue({
    names: ["example.test"],
    notBefore: new Date(Date.now() - 2 * DAY),
    notAfter: new Date(Date.now() - DAY),
  });
  client = await ca.issue({ subject: "proxy", client: true });
  await tryTlsHandles();
});

interface Server {
  readonly port: number;
  readonly sockets: tls.TLSSocket[];
}

async function serverOf(issued: Issued, options: tls.TlsOptions = {}): Promise<Server> {
  const sockets: tls.TLSSocket[] = [];
  const server = tls.createServer({ cert: issued.chain, key: issued.key, ...options });
  server.on("secureConnection", (socket) => {
    sockets.push(socket.on("error", () => undefined));
    socket.write("hi");
  });
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const port = await new Promise<number>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as net.AddressInfo).port)),
  );
  return { port, sockets };
}

const contextOf = (material: Partial<PoolTlsMaterial> = {}, verify = true) =>
  new ClientTlsContext({ ca: [ca.pem], cert: null, key: null, ...material }, { verify, ca: [], minVersion: "TLSv1.2" });

describe.each([
  ["on a handle", openTlsConnection],
  ["of node:tls", openPlainTls],
])("a connection to a server %s", (_name, open) => {
  async function visit(port: number, context: ClientTlsContext, serverName = "example.test", alpn: string[] = []) {
    const owner = new RecordingOwner();
    const socket = open({ host: "127.0.0.1", port }, owner, { context, serverName, alpn });
    onTestFinished(() => void socket.destroy());
    await until(() => owner.closes + owner.ends > 0 || owner.received === "hi");
    const error = owner.error as NodeJS.ErrnoException | undefined;
    return { owner, socket, connects: owner.connects, error: error?.code, message: error?.message };
  }

  it("asks for a name, and for a protocol", async () => {
    const { port, sockets } = await serverOf(web, { ALPNProtocols: ["h2", "http/1.1"] });
    const { socket, connects } = await visit(port, contextOf(), "example.test", ["http/1.1", "h2"]);
    expect([connects, socket.alpn, socket.resumed, (sockets[0] as { servername?: string }).servername]).toEqual([
      1,
      "h2",
      false,
      "example.test",
    ]);
    const other = await visit(port, contextOf(), "127.0.0.1");
    expect([other.connects, other.socket.alpn]).toEqual([1, ""]);
    expect((sockets[1] as { servername?: unknown }).servername).toBeFalsy();
  });

  it.each([
    [
      "another name",
      () => visitTo(web, contextOf(), "other.test"),
      "ERR_TLS_CERT_ALTNAME_INVALID",
      /certificate is not good.*other\.test/,
    ],
    [
      "another authority",
      () => visitTo(web, contextOf({ ca: [client.certificate] })),
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      /certificate is not good: [\w ]+: its authority is not one of `upstream\.tls\.ca`/,
    ],
    ["dates that are over", () => visitTo(old, contextOf()), "CERT_HAS_EXPIRED", /certificate is not good/],
  ])("is not made with a certificate of %s", async (_what, attempt, code, message) => {
    const { connects, error, message: text, owner } = await attempt();
    expect([connects, error, owner.received]).toEqual([0, code, ""]);
    expect(text).toMatch(message);
  });
  async function visitTo(issued: Issued, context: ClientTlsContext, serverName?: string) {
    return visit((await serverOf(issued)).port, context, serverName);
  }

  it("is made with any of them when nothing is to be verified", async () => {
    const { connects } = await visitTo(old, contextOf({}, false), "other.test");
    expect(connects).toBe(1);
  });

  it("goes on with the last session, of a server that was verified", async () => {
    const { port } = await serverOf(web);
    const context = contextOf();
    await visit(port, context);
    const { socket, connects, message } = await visit(port, context);
    expect([connects, socket.resumed, message]).toEqual([1, true, undefined]);
    expect((await visit(port, context, "127.0.0.1")).socket.resumed).toBe(false);
    const failing = await visit(port, context, "other.test");
    expect((await visit(port, context, "other.test")).error).toBe(failing.error);
  });

  it("shows a certificate of its own", async () => {
    const { port, sockets } = await serverOf(web, { requestCert: true, ca: ca.pem });
    await visit(port, contextOf({ cert: client.chain, key: client.key }));
    expect(sockets[0]!.getPeerCertificate().subject.CN).toBe("proxy");
    const { owner } = await visit(port, contextOf());
    expect(owner.received).toBe("");
  });

  it("tells of what cannot be connected to, or does not speak TLS", async () => {
    const server = net.createServer(
      (socket) =>
        void socket
          .on("error", () => undefined)
          .resume()
          .end("not TLS\r\n\r\n"),
    );
    const port = await new Promise<number>((resolve) =>
      server.listen(0, "127.0.0.1", () => resolve((server.address() as net.AddressInfo).port)),
    );
    const { error, message, connects } = await visit(port, contextOf());
    expect([error, connects]).toEqual(["ERR_SSL_WRONG_VERSION_NUMBER", 0]);
    expect(message).toBe("the TLS handshake failed: wrong version number");
    await new Promise((resolve) => server.close(resolve));
    expect((await visit(port, contextOf())).error).toBe("ECONNREFUSED");
  });

  it("tells of an end in the middle of the handshake", async () => {
    const server = net.createServer((socket) => void socket.once("data", () => socket.end()));
    onTestFinished(() => void server.close());
    const port = await new Promise<number>((resolve) =>
      server.listen(0, "127.0.0.1", () => resolve((server.address() as net.AddressInfo).port)),
    );
    const { error, connects } = await visit(port, contextOf());
    expect([error, connects]).toEqual(["ECONNRESET", 0]);
  });
});

it("takes an end of TCP without that of TLS for an error", async () => {
  const owner = new RecordingOwner();
  const raw: net.Socket[] = [];
  const server = tls.createServer({ cert: web.chain, key: web.key });
  server.on("connection", (socket: net.Socket) => void raw.push(socket.on("error", () => undefined)));
  server.on("secureConnection", (socket) => void socket.write("half of it", () => setImmediate(() => raw[0]!.end())));
  onTestFinished(() => void server.close());
  const port = await new Promise<number>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as net.AddressInfo).port)),
  );
  openTlsConnection({ host: "127.0.0.1", port }, owner, { context: contextOf(), serverName: "example.test", alpn: [] });
  await until(() => owner.closes === 1);
  expect([owner.received, owner.ends, (owner.error as NodeJS.ErrnoException).code]).toEqual([
    "half of it",
    0,
    "ERR_TLS_TRUNCATED",
  ]);
});
