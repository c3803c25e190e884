import { beforeEach, describe, expect, it, vi } from "vitest";
import { ErrorCode } from "../../http2/error-code.ts";
import { TestProxy } from "../http/proxy.fixture.ts";
import { webConfig } from "../plan.fixture.ts";
import { forgetOpened, opened } from "../socket.fixture.ts";
import type { Http2ClientConnection } from "./client-connection.ts";
import { Http2TestClient, TestRequest } from "./test-client.fixture.ts";

vi.mock("../connect.ts", () => import("../connect.fixture.ts"));
beforeEach(forgetOpened);

const ok = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const LAST = 2 ** 31 - 1;

function proxyWith(limits: object = {}, http2: object = {}, pool: Record<string, unknown> = {}): TestProxy {
  return new TestProxy(webConfig(["127.0.0.1:1"], pool, { limits, http2 }));
}

/** Brings the request to the first server that it opens a connection to, and answers it. */
async function answer(client: Http2TestClient, text: string, connection = 0): Promise<string> {
  opened[connection].connected();
  await client.exchange();
  const asked = opened[connection].takeSent();
  opened[connection].receive(text);
  await client.exchange();
  return asked;
}

describe("an HTTP/2 client's connection", () => {
  it("relays requests, each on a connection of its own to the server, answers in any order", async () => {
    const client = new Http2TestClient(proxyWith());
    const a = await client.request({ ":path": "/a" });
    const b = await client.request({ ":path": "/b" });
    expect(await answer(client, ok("second"), 1)).toMatch(/^GET \/b HTTP\/1.1\r\nHost: a\r\n/);
    expect([a.ended, b.ended, b.status, b.body]).toEqual([false, true, 200, "second"]);
    expect(await answer(client, ok("first"))).toMatch(/^GET \/a HTTP\/1.1\r\nHost: a\r\n/);
    expect([a.status, a.body, a.ended, a.reset]).toEqual([200, "first", true, undefined]);
    const c = await client.request({ ":path": "/c" });
    expect(opened).toHaveLength(2);
    opened.find((connection) => connection.takeSent().startsWith("GET /c "))!.receive(ok("3"));
    await client.exchange();
    expect(c.body).toBe("3");
  });

  it("sends the answers of one turn of the event loop in one write", async () => {
    const client = new Http2TestClient(proxyWith());
    for (let i = 0; i < 5; i++) await client.request();
    for (const connection of opened) connection.connected();
    await client.exchange();
    const before = client.socket.writes;
    for (const connection of opened) connection.receive(ok("x"));
    await client.exchange();
    expect(client.socket.writes - before).toBe(1);
  });

  it("takes no field of the server's connection over, and keeps the others", async () => {
    const client = new Http2TestClient(proxyWith());
    const request = await client.request();
    await answer(
      client,
      "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nX-Kept: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    );
    expect(request.headers).toEqual({ ":status": "200", "x-kept": "2" });
    expect([request.body, request.ended]).toEqual(["ab", true]);
  });

  it("answers what it understands but does not accept, and resets what is malformed", async () => {
    const proxy = proxyWith({ maxHeaders: 10 });
    const client = new Http2TestClient(proxy);
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`x-${i}`, "1"]));
    expect((await client.request(many)).status).toBe(431);
    expect((await client.request({ ":path": "no-slash" })).reset).toBe(ErrorCode.protocolError);
    expect((await client.request({ "x-bad": "a\0b" })).reset).toBe(ErrorCode.protocolError);
    expect((await client.request({ ":scheme": "" })).reset).toBe(ErrorCode.protocolError);
    expect(client.farewells).toEqual([]);
    const fine = await client.request();
    await answer(client, ok("still there"));
    expect(fine.body).toBe("still there");
  });

  it("holds a body back that the server does not take, and other requests go on", async () => {
    const proxy = proxyWith({}, { streamWindow: 65_535 });
    const client = new Http2TestClient(proxy);
    const upload = await client.request({ ":method": "POST", "content-length": "400000" }, false);
    opened[0].connected();
    await client.exchange();
    opened[0].stall();
    upload.stream.sendData(Buffer.alloc(400_000, 97), true);
    await client.exchange();
    // 64 KiB at the server's connection and a window on the way, no more.
    expect(upload.stream.unsent).toBeGreaterThan(200_000);
    const other = await client.request();
    await answer(client, ok("fine"), 1);
    expect(other.body).toBe("fine");
    opened[0].flow();
    await client.exchange();
    expect(upload.stream.unsent).toBe(0);
    expect(opened[0].sent.split("\r\n\r\n")[1]).toHaveLength(400_000);
  });

  it("resets the rest of a request that was answered before its end", async () => {
    const client = new Http2TestClient(proxyWith());
    const upload = await client.request({ ":method": "POST" }, false);
    await answer(client, "HTTP/1.1 413 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    expect([upload.status, upload.ended, upload.reset]).toEqual([413, true, ErrorCode.noError]);
    expect(client.codec.activeStreams).toBe(0);
  });
});

describe("the limits of an HTTP/2 client", () => {
  it("end a connection whose preface does not come", async () => {
    const proxy = proxyWith({ headTimeout: "2s" });
    const socket = proxy.connect();
    socket.receive("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    proxy.tick(2100);
    proxy.tick(3000);
    await new Promise(setImmediate);
    expect(socket.ended || socket.destroyed).toBe(true);
  });

  it("end an idle connection with a farewell", async () => {
    const proxy = proxyWith({ idleTimeout: "5s" });
    const client = new Http2TestClient(proxy);
    await client.request();
    await answer(client, ok("x"));
    proxy.tick(4900);
    await client.exchange();
    expect(client.farewells).toEqual([]);
    proxy.tick(200);
    await client.exchange();
    expect(client.farewells).toEqual([[1, ErrorCode.noError]]);
    expect(client.socket.ended).toBe(true);
  });

  it("refuse a body that does not come", async () => {
    const proxy = proxyWith({ bodyTimeout: "3s" });
    const client = new Http2TestClient(proxy);
    const upload = await client.request({ ":method": "POST" }, false);
    opened[0].connected();
    proxy.tick(3100);
    await client.exchange();
    expect([upload.status, upload.reset]).toEqual([408, ErrorCode.noError]);
  });

  it("refuse a body that is too large", async () => {
    const client = new Http2TestClient(proxyWith({ maxBodySize: "10" }));
    expect((await client.request({ ":method": "POST", "content-length": "11" }, false)).status).toBe(413);
    const upload = await client.request({ ":method": "POST" }, false);
    upload.stream.sendData(Buffer.alloc(11), true);
    await client.exchange();
    expect(upload.status).toBe(413);
  });

  it.each([10, 200_000])("free the place of an answer of %d bytes that the client does not take", async (size) => {
    const proxy = proxyWith({ bodyTimeout: "3s", idleTimeout: "1h" }, { maxStreams: 1 });
    const client = new Http2TestClient(proxy, { streamWindow: 0 });
    const request = await client.request();
    await answer(client, ok("x".repeat(size)));
    expect([request.status, request.body]).toEqual([200, ""]);
    proxy.tick(3200);
    await client.exchange();
    expect(request.reset).toBe(ErrorCode.cancel);
    expect(client.codec.canOpen).toBe(true);
  });

  it("end the connection of a client that opens and resets streams", async () => {
    const proxy = proxyWith({}, { maxResets: 20 });
    const client = new Http2TestClient(proxy);
    await client.exchange();
    for (let i = 0; i < 21; i++) {
      const request = new TestRequest();
      request.stream = client.codec.openStream(request)!;
      const { encoder } = client.codec;
      encoder.begin();
      for (const field of [":method GET", ":scheme http", ":path /", ":authority a"]) {
        const [name, value] = field.split(" ") as [string, string];
        encoder.field(name, value);
      }
      request.stream.sendHead(true);
      request.stream.reset(ErrorCode.cancel);
    }
    await client.exchange();
    expect(client.farewells.at(-1)![1]).toBe(ErrorCode.enhanceYourCalm);
    expect(client.socket.ended).toBe(true);
    // The resets came with the requests: no server has heard of any.
    expect(opened).toEqual([]);
  });
});

/** A connection that is closed for its resets, and the next one of the same address. */
async function again(listener: Record<string, unknown>): Promise<Http2TestClient> {
  const proxy = new TestProxy(webConfig(["127.0.0.1:1"], {}, listener));
  const first = new Http2TestClient(proxy);
  await first.exchange();
  for (let i = 0; i < 3; i++) {
    const request = await first.request({ ":method": "POST" }, false);
    request.stream.reset(ErrorCode.cancel);
    await first.exchange();
  }
  expect(first.farewells.at(-1)![1]).toBe(ErrorCode.enhanceYourCalm);
  const next = new Http2TestClient(proxy);
  await next.exchange();
  return next;
}

describe("an address whose connection was closed for a limit", () => {
  it("may have few streams for a while", async () => {
    const next = await again({ http2: { maxResets: 2 } });
    expect(next.codec.peerMaxStreams).toBe(4);
    const request = await next.request();
    expect(request.reset).toBeUndefined();
  });

  it("is not held responsible when it is a trusted proxy's", async () => {
    const next = await again({ http2: { maxResets: 2 }, trustedProxies: ["192.0.2.0/24"] });
    expect(next.codec.peerMaxStreams).toBe(128);
  });
});

describe("the end of an HTTP/2 client's connection", () => {
  it("is announced, and comes after the last answer", async () => {
    const proxy = proxyWith();
    const client = new Http2TestClient(proxy);
    const request = await client.request();
    proxy.retired = true;
    (client.socket.owner as Http2ClientConnection).drain();
    await client.exchange();
    expect(client.farewells).toEqual([
      [LAST, ErrorCode.noError],
      [1, ErrorCode.noError],
    ]);
    expect(client.socket.ended).toBe(false);
    await answer(client, ok("last"));
    expect(request.body).toBe("last");
    expect(client.socket.ended).toBe(true);
  });

  it("frees the servers when the client is gone", async () => {
    const client = new Http2TestClient(proxyWith());
    await client.request();
    await client.request();
    for (const connection of opened) connection.connected();
    client.socket.reset();
    await client.exchange();
    expect(opened.map((connection) => connection.destroyed)).toEqual([true, true]);
  });
});
