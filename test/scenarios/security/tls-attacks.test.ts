import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { connect as connectTcp, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { beforeAll, describe, expect, it } from "vitest";
import { certificateFiles, DAY, type Issued, temporaryFolder, TestAuthority } from "../../support/certificates.ts";
import { atEnd } from "../../support/cleanup.ts";
import type { Evenkeel } from "../../support/evenkeel.ts";
import { headers, request } from "../../support/http2-frames.ts";
import { Http2Raw } from "../../support/http2-raw.ts";
import { openDescriptors, residentBytes } from "../../support/process-usage.ts";
import { startProxy, waitForQuiet } from "../../support/proxy.ts";
import { RawClient } from "../../support/raw-client.ts";
import { type RawOrigin, startRawOrigin } from "../../support/raw-origin.ts";
import { waitFor, within } from "../../support/wait.ts";

const MIB = 1024 * 1024;
const GET = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";

let origin: RawOrigin;
let evenkeel: Evenkeel;
let good: Issued;
let expired: Issued;
let revoked: Issued;
let serverCertificate: Issued;
let stranger: Issued;

beforeAll(async () => {
  const authority = await TestAuthority.create();
  const folder = temporaryFolder();
  const { cert, key, ca } = certificateFiles(await authority.issue({ names: ["a.test"] }), folder);
  good = await authority.issue({ subject: "alice", client: true });
  expired = await authority.issue({
    subject: "late",
    client: true,
    notBefore: new Date(Date.now() - 9 * DAY),
    notAfter: new Date(Date.now() - DAY),
  });
  revoked = await authority.issue({ subject: "gone", client: true });
  serverCertificate = await authority.issue({ names: ["c.test"] });
  stranger = await (await TestAuthority.create("Somebody")).issue({ subject: "alice", client: true });
  const crl = join(folder, "revoked.crl");
  writeFileSync(crl, await authority.crl([revoked.serial]));
  origin = await startRawOrigin();
  const listen = { listen: "127.0.0.1:0", pool: "web" };
  const tls = { certificates: [{ cert, key }], handshakeTimeout: "3s" };
  const clients = (mode: string) => ({ ...tls, clientCertificates: { mode, ca: [ca], crl: [crl] } });
  evenkeel = await startProxy([origin.address], {
    pool: { retries: { attempts: 0 }, outlierDetection: false },
    top: {
      listeners: {
        web: { ...listen, tls },
        small: { ...listen, tls, limits: { maxConnections: 20 } },
        required: { ...listen, tls: clients("require") },
        requested: { ...listen, tls: clients("request") },
      },
    },
  });
});

const with_ = ({ chain, key }: Issued): ConnectionOptions => ({ cert: chain, key });

function tlsSocket(listener: string, options: ConnectionOptions = {}): TLSSocket {
  const target = { port: evenkeel.port(listener), host: "127.0.0.1", servername: "a.test", rejectUnauthorized: false };
  const socket = connectTls({ ...target, ...options });
  socket.on("error", () => undefined);
  atEnd(() => socket.destroy());
  return socket;
}

/** What a client reads that sends these bytes after its handshake: "" when it comes to none, or to no answer. */
async function talk(listener: string, bytes: string, options: ConnectionOptions = {}): Promise<string> {
  const socket = tlsSocket(listener, options);
  let text = "";
  socket.on("data", (data: Buffer) => (text += data.toString("latin1")));
  socket.on("secureConnect", () => socket.write(bytes));
  await within("the connection to end", new Promise((resolve) => socket.once("close", resolve)));
  return text;
}

const visit = (options: ConnectionOptions = {}, listener = "web") => talk(listener, GET, options);

/** The first bytes of a usual client: its ClientHello. */
async function clientHello(): Promise<Buffer> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const came = new Promise<Buffer>((resolve) =>
    server.once("connection", (socket: Socket) => socket.once("data", resolve)),
  );
  const client = connectTls({ port, host: "127.0.0.1", servername: "a.test" });
  client.on("error", () => undefined);
  const hello = await came;
  client.destroy();
  server.close();
  return hello;
}

describe("handshakes that stall", () => {
  it("end at their deadline, whatever they are at, and cost others nothing", { timeout: 30_000 }, async () => {
    const hello = await clientHello();
    const before = residentBytes(evenkeel.pid);
    const files = openDescriptors(evenkeel.pid);
    const stages = [hello.subarray(0, 0), hello.subarray(0, 3), hello.subarray(0, 100), hello];
    const clients = await Promise.all(Array.from({ length: 300 }, () => RawClient.connect(evenkeel.port())));
    const started = performance.now();
    await Promise.all(clients.map((client, i) => client.send(stages[i % stages.length]!)));
    for (let i = 0; i < 5; i++) expect(await visit()).toContain("200 OK");
    for (const client of clients) await client.closed();
    expect(performance.now() - started).toBeLessThan(15_000);
    expect(residentBytes(evenkeel.pid) - before).toBeLessThan(60 * MIB);
    await waitFor("descriptors to be given back", () => openDescriptors(evenkeel.pid) <= files + 5);
  });

  it("count as connections of their listener, which has a limit, and leave it again", async () => {
    const clients = await Promise.all(Array.from({ length: 60 }, () => RawClient.connect(evenkeel.port("small"))));
    await Promise.all(clients.map((client) => client.send("\x16\x03\x01")));
    expect(await visit()).toContain("200 OK");
    for (const client of clients) await client.closed();
    expect(await visit({}, "small")).toContain("200 OK");
  });
});

describe("what is no TLS of today", () => {
  const garbage: [string, string | Buffer][] = [
    ["another protocol", "SSH-2.0-OpenSSH_9.9\r\n"],
    ["zeros", Buffer.alloc(2000)],
    ["chance", Buffer.concat([Buffer.from([0x99]), randomBytes(2000)])],
    [
      "a hello of SSL 2",
      Buffer.from(
        "802e0100020015000000100100800300800700c0050080040080020080000102030405060708090a0b0c0d0e0f10",
        "hex",
      ),
    ],
    ["a record that is too long", Buffer.concat([Buffer.from([22, 3, 1, 0xff, 0xff]), Buffer.alloc(65_535)])],
    ["application data first", Buffer.from([23, 3, 3, 0, 5, 1, 2, 3, 4, 5])],
    ["an alert first", Buffer.from([21, 3, 3, 0, 2, 2, 40])],
    ["a hello of 16 MiB", Buffer.concat([Buffer.from([22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff]), Buffer.alloc(16_380)])],
    ["empty records", Buffer.concat(Array.from({ length: 5000 }, () => Buffer.from([22, 3, 1, 0, 0])))],
    ["a hello that says nothing", Buffer.from([22, 3, 1, 0, 4, 1, 0, 0, 0])],
  ];

  it.each(garbage)("is refused at once: %s", async (_, bytes) => {
    const client = await RawClient.connect(evenkeel.port());
    await client.send(bytes);
    const answer = await client.readToEnd(5000).catch((error: unknown) => error as Error);
    // An alert of TLS, or nothing; never an answer of a server.
    if (answer instanceof Buffer && answer.length > 0) expect(answer[0]).toBe(21);
    expect(await visit()).toContain("200 OK");
  });

  it.each(["GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"])(
    "is told so when it is plain HTTP: %j",
    async (bytes) => {
      const before = origin.requests.length;
      const client = await RawClient.connect(evenkeel.port());
      await client.send(bytes);
      const { status, headers: fields, body } = await client.response();
      expect([status, fields["connection"], body.toString()]).toEqual([
        400,
        "close",
        expect.stringContaining("plain_http"),
      ]);
      await client.closed();
      expect(origin.requests.length).toBe(before);
    },
  );

  it.each([
    ["TLS 1.1", { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" }],
    ["TLS 1.0", { minVersion: "TLSv1", maxVersion: "TLSv1", ciphers: "ALL:@SECLEVEL=0" }],
    ["keys without forward secrecy", { maxVersion: "TLSv1.2", ciphers: "AES128-GCM-SHA256:AES256-SHA:@SECLEVEL=0" }],
    ["CBC", { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0" }],
    ["no encryption", { maxVersion: "TLSv1.2", ciphers: "NULL:@SECLEVEL=0" }],
    ["nobody's signature", { maxVersion: "TLSv1.2", ciphers: "ADH-AES128-GCM-SHA256:AECDH-AES128-SHA:@SECLEVEL=0" }],
  ] as [string, ConnectionOptions][])("is refused: %s", async (_, options) => {
    expect(await visit(options)).toBe("");
    expect(await visit({ maxVersion: "TLSv1.2" })).toContain("200 OK");
  });

  it("ends a connection when it comes behind the handshake", async () => {
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      const below = connectTcp(evenkeel.port(), "127.0.0.1");
      const socket = tlsSocket("web", { socket: below, maxVersion });
      await within("the handshake", new Promise((resolve) => socket.once("secureConnect", resolve)));
      below.write(Buffer.concat([Buffer.from([23, 3, 3, 0, 100]), randomBytes(100)]));
      await within("the connection to end", new Promise((resolve) => below.once("close", resolve)));
    }
    expect(evenkeel.log.filter((line) => / error /.test(line))).toEqual([]);
  });

  it("has no renegotiation", async () => {
    const socket = tlsSocket("web", { maxVersion: "TLSv1.2" });
    await within("the handshake", new Promise((resolve) => socket.once("secureConnect", resolve)));
    const result = new Promise<Error | null>((resolve) => {
      socket.once("error", resolve);
      socket.once("close", () => resolve(new Error("closed")));
      socket.renegotiate({ rejectUnauthorized: false }, resolve);
    });
    expect(await within("the refusal", result)).toBeInstanceOf(Error);
    expect(await visit({ maxVersion: "TLSv1.2" })).toContain("200 OK");
  });
});

describe("a connection that ends without TLS's own end", () => {
  it.each([
    ["a body with a length", "Content-Length: 100\r\n\r\nabc"],
    ["a body in chunks", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"],
    ["the last chunk", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"],
  ])("within %s makes no request of it", async (_, rest) => {
    const before = origin.requests.length;
    const below = connectTcp(evenkeel.port(), "127.0.0.1");
    const socket = tlsSocket("web", { socket: below });
    await within("the handshake", new Promise((resolve) => socket.once("secureConnect", resolve)));
    socket.write(`POST / HTTP/1.1\r\nHost: a.test\r\n${rest}`);
    await waitFor("the beginning at the server", () => origin.connections.some((one) => one.rest.includes("abc")));
    below.end();
    await waitFor("the end at the server", () => origin.connections.every((one) => one.closed || one.rest === ""));
    await waitForQuiet(evenkeel);
    expect(origin.requests.length).toBe(before);
  });
});

describe("client certificates", () => {
  const forged = ["Subject", "Issuer", "Serial", "Fingerprint", "Not-After"].map(
    (name) => `X-Client-Cert-${name}: forged\r\n`,
  );
  const ask = `GET /cert HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nClient-Cert: :Zm9yZ2Vk:\r\n${forged.join("")}\r\n`;

  it.each(["TLSv1.2", "TLSv1.3"] as const)("that are no good lead to no request, %s", async (maxVersion) => {
    const before = origin.requests.length;
    expect(await talk("required", ask, { maxVersion })).toBe("");
    for (const bad of [expired, revoked, stranger, serverCertificate])
      for (const listener of ["required", "requested"])
        expect(await talk(listener, ask, { maxVersion, ...with_(bad) }), bad.serial).toBe("");
    expect(origin.requests.length).toBe(before);
    expect(await talk("required", ask, { maxVersion, ...with_(good) })).toContain("200 OK");
    const seen = origin.requests.at(-1)!;
    expect(seen.headers["x-client-cert-subject"]).toBe("CN=alice");
    expect(seen.head).not.toMatch(/forged|Zm9yZ2Vk/);
  });

  it("cannot be claimed by fields, over either protocol", async () => {
    expect(await talk("requested", ask)).toContain("200 OK");
    expect(origin.requests.at(-1)!.head).not.toMatch(/client-cert/i);
    const client = await Http2Raw.connect(evenkeel.port("requested"), { tls: { servername: "a.test" } });
    await client.send(headers(1, request("/h2", ["x-client-cert-subject", "CN=alice"], ["client-cert", ":Zm9yZ2Vk:"])));
    expect((await client.answer(1)).status).toBe(200);
    expect(origin.requests.find(({ target }) => target === "/h2")!.head).not.toMatch(/client-cert/i);
  });
});
