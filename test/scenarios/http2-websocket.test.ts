import { type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import { describe, expect, it } from "vitest";
import { openSession, request } from "../support/http2-client.ts";
import { startNodeOrigin } from "../support/origins.ts";
import { serverCounters, startProxy, waitForQuiet, webConfig } from "../support/proxy.ts";
import { startRawOrigin } from "../support/raw-origin.ts";
import { waitFor } from "../support/wait.ts";

const HANDSHAKE = { ":method": "CONNECT", ":protocol": "websocket", "sec-websocket-version": "13" };

/** A text frame of a client: masked with zeros, which leaves the text as it is. */
function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const length =
    payload.length < 126 ? [0x80 | payload.length] : [0x80 | 126, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from([0x81, ...length, 0, 0, 0, 0]), payload]);
}

/** A WebSocket on a stream (RFC 8441): everything that came, and the status of the answer. */
async function openSocket(session: ClientHttp2Session, path = "/ws") {
  const stream: ClientHttp2Stream = session.request({ ...HANDSHAKE, ":path": path }, { endStream: false });
  let received = Buffer.alloc(0);
  stream.on("data", (data: Buffer) => (received = Buffer.concat([received, data])));
  stream.on("error", () => undefined);
  const headers = await new Promise<Record<string, unknown>>((resolve, reject) => {
    stream.once("response", resolve);
    stream.once("error", reject);
  });
  return { stream, headers, received: () => received };
}

describe("WebSocket over HTTP/2", () => {
  it("reaches a server of HTTP/1.1, many on one connection beside ordinary requests", async () => {
    const origin = await startNodeOrigin();
    const evenkeel = await startProxy([origin.address]);
    const session = await openSession(evenkeel.url());
    expect(session.remoteSettings.enableConnectProtocol).toBe(true);
    const sockets = await Promise.all(Array.from({ length: 20 }, () => openSocket(session)));
    for (const [i, { stream, headers }] of sockets.entries()) {
      expect(headers[":status"]).toBe(200);
      expect(Object.keys(headers)).not.toContain("sec-websocket-accept");
      expect(Object.keys(headers)).not.toContain("upgrade");
      stream.write(textFrame(`hello ${i} ${"x".repeat(200)}`));
    }
    for (const [i, socket] of sockets.entries())
      await waitFor("the echo", () => socket.received().toString().includes(`hello ${i} `));
    expect((await request(session, { ":path": "/bytes/10" })).body.length).toBe(10);
    expect((await serverCounters(evenkeel))[0]!.inFlight).toBe(20);
    for (const { stream } of sockets) stream.close();
    await waitForQuiet(evenkeel);
  });

  it("asks the server as HTTP/1.1 does", async () => {
    const origin = await startRawOrigin((_request, connection) =>
      connection.send(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: chat\r\n\r\n",
      ),
    );
    const evenkeel = await startProxy([origin.address]);
    const session = await openSession(evenkeel.url());
    const { headers } = await openSocket(session, "/chat?room=1");
    expect([headers[":status"], headers["sec-websocket-protocol"]]).toEqual([200, "chat"]);
    const [asked] = await origin.waitForRequests(1);
    expect([asked!.method, asked!.target]).toEqual(["GET", "/chat?room=1"]);
    expect(asked!.headers["upgrade"]).toBe("websocket");
    expect(asked!.headers["connection"]).toBe("Upgrade");
    expect(Buffer.from(asked!.headers["sec-websocket-key"]!, "base64")).toHaveLength(16);
    expect(asked!.headers["sec-websocket-version"]).toBe("13");
    expect(asked!.headers["transfer-encoding"]).toBeUndefined();
  });

  it("passes an answer on that is no switch of protocols", async () => {
    const origin = await startRawOrigin((_request, connection) =>
      connection.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"),
    );
    const evenkeel = await startProxy([origin.address]);
    const session = await openSession(evenkeel.url());
    const { headers, stream, received } = await openSocket(session);
    expect(headers[":status"]).toBe(403);
    await new Promise((resolve) => stream.once("close", resolve));
    expect(received().toString()).toBe("no");
  });

  it("refuses CONNECT for anything else", async () => {
    const origin = await startNodeOrigin();
    const evenkeel = await startProxy([origin.address]);
    const session = await openSession(evenkeel.url());
    const stream = session.request({ ":method": "CONNECT", ":protocol": "other", ":path": "/" }, { endStream: false });
    const headers = await new Promise<Record<string, unknown>>((resolve) => stream.once("response", resolve));
    expect(headers[":status"]).toBe(501);
  });

  it("ends with a Close frame when its server is drained", async () => {
    const origin = await startNodeOrigin();
    const evenkeel = await startProxy([origin.address], { pool: { drainTimeout: "100ms" } });
    const session = await openSession(evenkeel.url());
    const { stream, received } = await openSocket(session);
    stream.write(textFrame("hi"));
    await waitFor("the echo", () => received().toString().includes("hi"));
    evenkeel.writeConfig(webConfig([], { pool: { drainTimeout: "100ms" } }));
    evenkeel.signal("SIGHUP");
    // 0x88: Close; 1001: going away.
    await waitFor(
      "the Close frame",
      () => received().includes(Buffer.from([0x88])) && received().includes(Buffer.from([0x03, 0xe9])),
    );
    stream.end(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9]));
    await new Promise((resolve) => stream.once("close", resolve));
    expect(session.closed).toBe(false);
  });
});
