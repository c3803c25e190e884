import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { beforeAll, describe, expect, it } from "vitest";
import { certificateFiles, TestAuthority } from "../../support/certificates.ts";
import { atEnd } from "../../support/cleanup.ts";
import type { Evenkeel } from "../../support/evenkeel.ts";
import {
  block,
  END_HEADERS,
  END_STREAM,
  frame,
  FrameTypes,
  goAway,
  headers,
  PADDED,
  ping,
  request,
  settings,
  upload,
} from "../../support/http2-frames.ts";
import { Http2Raw } from "../../support/http2-raw.ts";
import { startProxy } from "../../support/proxy.ts";
import { RawClient } from "../../support/raw-client.ts";
import { type RawOrigin, startRawOrigin } from "../../support/raw-origin.ts";
import { within } from "../../support/wait.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const PROTOCOL_ERROR = 1;

let origin: RawOrigin;
let evenkeel: Evenkeel;

beforeAll(async () => {
  const authority = await TestAuthority.create();
  const first = certificateFiles(await authority.issue({ names: ["a.test", "*.a.test"] }));
  const second = certificateFiles(await authority.issue({ names: ["b.test"] }));
  origin = await startRawOrigin();
  const listen = { listen: "127.0.0.1:0", pool: "web" };
  const certificates = [first, second].map(({ cert, key }) => ({ cert, key }));
  evenkeel = await startProxy([origin.address], {
    top: { listeners: { web: { ...listen, tls: { certificates } }, plain: listen } },
  });
});

/** Everything that a connection with TLS answers to these bytes before it ends. */
async function overTls(bytes: string | Buffer, options: ConnectionOptions): Promise<Buffer> {
  const socket: TLSSocket = connectTls({
    port: evenkeel.port(),
    host: "127.0.0.1",
    rejectUnauthorized: false,
    ...options,
  });
  atEnd(() => socket.destroy());
  const pieces: Buffer[] = [];
  socket.on("data", (data: Buffer) => pieces.push(data));
  socket.on("secureConnect", () => socket.write(bytes));
  await within(
    "the connection to end",
    new Promise((resolve) => {
      socket.on("end", resolve);
      socket.on("close", resolve);
      socket.on("error", resolve);
    }),
  );
  return Buffer.concat(pieces);
}

const get = (host: string, target = "/", more = "") => `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${more}`;
const statuses = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));

describe("a request for another host than that of the handshake", () => {
  // Host, status with SNI a.test, and without.
  const hosts: [string, number, number][] = [
    ["a.test", 200, 200],
    ["A.TEST", 200, 200],
    ["a.test:443", 200, 200],
    ["www.a.test", 200, 200],
    ["b.test", 421, 200],
    ["deep.www.a.test", 421, 200],
    ["a.test.evil.test", 421, 200],
    ["xa.test", 421, 200],
    ["127.0.0.1", 421, 200],
    ["[::1]", 421, 200],
  ];

  it("gets 421 over HTTP/1.1, and its connection goes on", async () => {
    for (const [servername, column] of [
      ["a.test", 1],
      [undefined, 2],
    ] as const) {
      const before = origin.requests.length;
      const asks =
        hosts.map(([host]) => `${get(host)}\r\n`).join("") + `${get("a.test", "/", "Connection: close\r\n")}\r\n`;
      const text = (await overTls(asks, { ...(servername !== undefined && { servername }) })).toString("latin1");
      const expected = [...hosts.map((row) => row[column]), 200];
      expect(statuses(text)).toEqual(expected);
      expect(text.includes("misdirected_request")).toBe(column === 1);
      expect(origin.requests.length - before).toBe(expected.filter((status) => status === 200).length);
    }
  });

  it("gets 421 over HTTP/1.1 when only its target names the other one", async () => {
    const text = await overTls(`${get("b.test", "https://b.test/", "Connection: close\r\n")}\r\n`, {
      servername: "a.test",
    });
    expect(statuses(text.toString("latin1"))).toEqual([421]);
  });

  it("gets 421 over HTTP/2, and its connection goes on", async () => {
    for (const [servername, column] of [
      ["a.test", 1],
      ["", 2],
    ] as const) {
      const client = await Http2Raw.connect(evenkeel.port(), { tls: { servername } });
      for (const [i, row] of hosts.entries()) {
        const fields = request().map(([name, value]): [string, string] => [
          name,
          name === ":authority" ? row[0] : value,
        ]);
        await client.send(headers(2 * i + 1, fields));
        expect([row[0], (await client.answer(2 * i + 1)).status]).toEqual([row[0], row[column]]);
      }
    }
  });
});

describe("the beginning of a connection", () => {
  it("with ALPN h2 must be HTTP/2", async () => {
    const bytes = await overTls(`${get("a.test")}\r\n`, { servername: "a.test", ALPNProtocols: ["h2"] });
    const text = bytes.toString("latin1");
    expect(text).not.toContain("HTTP/1.1");
    // Our SETTINGS, and then GOAWAY.
    expect(bytes[3]).toBe(FrameTypes.settings);
    expect(text).toContain("what the client has sent first is not HTTP/2");
  });

  it.each([
    ["with ALPN http/1.1", { ALPNProtocols: ["http/1.1"] }],
    ["without ALPN", {}],
  ])("%s is never HTTP/2", async (_, options) => {
    const bytes = Buffer.concat([Buffer.from(PREFACE), settings(), headers(1, request())]);
    const before = origin.requests.length;
    const text = (await overTls(bytes, { servername: "a.test", ...options })).toString("latin1");
    expect(text).toMatch(/^HTTP\/1\.1 (400|505) /);
    expect(statuses(text)).toHaveLength(1);
    expect(origin.requests.length).toBe(before);
  });

  it("without TLS may come byte by byte", async () => {
    const client = await Http2Raw.connect(evenkeel.port("plain"), { bare: true });
    for (const byte of Buffer.concat([Buffer.from(PREFACE), settings(), headers(1, request())])) {
      await client.send(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    expect((await client.answer(1)).status).toBe(200);
  });

  it.each([
    ["garbage behind the preface", `${PREFACE}GET / HTTP/1.1\r\nHost: a\r\n\r\n`],
    ["another frame than SETTINGS first", Buffer.concat([Buffer.from(PREFACE), ping()])],
    ["the acknowledgement of settings first", Buffer.concat([Buffer.from(PREFACE), frame(FrameTypes.settings, 1, 0)])],
    ["a frame of 16 MiB", Buffer.concat([Buffer.from(PREFACE), Buffer.from([255, 255, 255, 4, 0, 0, 0, 0, 0])])],
  ])("without TLS that is %s ends it", async (_, bytes) => {
    const client = await Http2Raw.connect(evenkeel.port("plain"), { bare: true });
    await client.send(bytes);
    await client.closed();
    expect([PROTOCOL_ERROR, 6]).toContain(client.goAway?.code);
  });

  it.each([
    ["nearly the preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r"],
    ["the preface with a field", "PRI * HTTP/2.0\r\nHost: a\r\n\r\nSM\r\n\r\n"],
    ["a request PRI of HTTP/1.1", "PRI * HTTP/1.1\r\nHost: a\r\n\r\n"],
  ])("without TLS that is %s is answered as a bad request", async (_, bytes) => {
    const before = origin.requests.length;
    const client = await RawClient.connect(evenkeel.port("plain"));
    await client.send(bytes);
    expect([400, 505]).toContain((await client.response()).status);
    await client.closed();
    expect(origin.requests.length).toBe(before);
  });

  it("stays HTTP/1.1 when the preface comes behind a request", async () => {
    const client = await RawClient.connect(evenkeel.port("plain"));
    await client.send(
      Buffer.concat([Buffer.from(`${get("a")}\r\n${PREFACE}`), settings(), headers(1, request("/second"))]),
    );
    expect((await client.response()).status).toBe(200);
    expect([400, 505]).toContain((await client.response()).status);
    await client.closed();
    expect(origin.text).not.toContain("/second");
  });

  it("does not become HTTP/2 by Upgrade, and the server does not learn of it", async () => {
    const client = await RawClient.connect(evenkeel.port("plain"));
    const fields = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n";
    await client.send(`${get("a", "/upgrade", fields)}\r\n`);
    expect((await client.response()).status).toBe(200);
    const seen = origin.requests.find(({ target }) => target === "/upgrade")!;
    expect(seen.head.toLowerCase()).not.toMatch(/upgrade:|h2c|http2-settings/);
  });
});

/** A payload with as much padding as there can be. */
const padded = (bytes: Uint8Array) => Buffer.concat([Buffer.from([255]), bytes, Buffer.alloc(255)]);

const connect = () => Http2Raw.connect(evenkeel.port("plain"));

describe("streams", () => {
  it.each([
    ["even", [2]],
    ["smaller than the one before", [5, 3]],
    ["the same as the one before", [5, 5]],
    ["zero", [0]],
  ])("must not have a number that is %s", async (_, ids) => {
    const client = await connect();
    for (const id of ids) {
      await client.send(headers(id, request()));
      if (id === 5 && client.streams.size === 0) await client.answer(5);
    }
    await client.closed();
    expect([PROTOCOL_ERROR, 5]).toContain(client.goAway?.code);
  });

  it("may have the largest number, and there are none behind it", async () => {
    const client = await connect();
    await client.send(headers(2 ** 31 - 1, request()));
    expect((await client.answer(2 ** 31 - 1)).status).toBe(200);
    await client.send(headers(1, request()));
    await client.closed();
  });

  it("may be padded as much as there is room for", async () => {
    const client = await connect();
    await client.send(frame(FrameTypes.headers, END_HEADERS | PADDED, 1, padded(block(upload("/padded")))));
    for (let i = 0; i < 50; i++) await client.send(frame(FrameTypes.data, PADDED, 1, padded(Buffer.from("abc"))));
    await client.send(frame(FrameTypes.data, PADDED | END_STREAM, 1, padded(Buffer.from("abc"))));
    expect((await client.answer(1)).status).toBe(200);
    expect(origin.requests.find(({ target }) => target === "/padded")!.body.toString()).toBe("abc".repeat(51));
    await client.send(frame(FrameTypes.data, PADDED, 3, Buffer.from([255, 0])));
    await client.closed();
    expect(client.goAway?.code).toBe(PROTOCOL_ERROR);
  });

  it("behind the client's own GOAWAY do no harm", async () => {
    const client = await connect();
    await client.send(headers(1, request()), goAway(), headers(3, request()));
    expect((await client.answer(1)).status).toBe(200);
    await client.send(headers(5, request()));
    client.socket.end();
    await client.closed();
    expect(evenkeel.log.filter((line) => / error /.test(line))).toEqual([]);
  });
});
