import { describe, expect, it } from "vitest";
import { startProxy } from "../../support/proxy.ts";
import { exchange, RawClient } from "../../support/raw-client.ts";
import { type OriginConnection, startRawOrigin } from "../../support/raw-origin.ts";
import { waitFor } from "../../support/wait.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const POISON = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
const GET = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";

/** What the server does with the first request, and the client's first request. */
const anomalies: [name: string, request: string, answer: (connection: OriginConnection) => unknown][] = [
  ["a second answer behind the first", "GET / HTTP/1.1", (c) => c.send(OK + POISON)],
  ["a second answer a moment later", "GET / HTTP/1.1", (c) => (c.send(OK), setTimeout(() => c.send(POISON), 20))],
  ["half an answer a moment later", "GET / HTTP/1.1", (c) => (c.send(OK), setTimeout(() => c.send("HTTP/1.1"), 20))],
  ["content after the answer to HEAD", "HEAD / HTTP/1.1", (c) => c.send(OK.replace("ok", POISON))],
  [
    "content after 304",
    "GET / HTTP/1.1",
    (c) => c.send(`HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n${POISON}`),
  ],
  ["content after 204", "GET / HTTP/1.1", (c) => c.send(`HTTP/1.1 204 No Content\r\n\r\n${POISON}`)],
  [
    "content after the last chunk",
    "GET / HTTP/1.1",
    (c) => c.send(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n${POISON}`),
  ],
  [
    "an answer behind a long body",
    "GET / HTTP/1.1",
    (c) => c.send(`HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n${"x".repeat(200_000)}${POISON}`),
  ],
  ["interim answers behind the last", "GET / HTTP/1.1", (c) => c.send(`${OK}HTTP/1.1 100 Continue\r\n\r\n${POISON}`)],
];

describe("a server that is out of step", () => {
  it.each(anomalies)("poisons nobody's answer: %s", async (_, line, answer) => {
    const origin = await startRawOrigin();
    let first = true;
    origin.script = (_request, connection) => {
      if (!first) return connection.send(OK);
      first = false;
      answer(connection);
    };
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    await client.send(`${line}\r\nHost: a\r\n\r\n`);
    await client.response(line.startsWith("HEAD") ? "HEAD" : "GET");
    await waitFor("the connection to be given up", () => origin.connections[0].closed);
    for (const other of [client, await RawClient.connect(evenkeel.port())]) {
      await other.send(GET);
      const response = await other.response();
      expect([response.status, response.body.toString()]).toEqual([200, "ok"]);
      expect(other.unread.length).toBe(0);
    }
  });

  it("gets nothing on a connection on which it spoke unasked", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address], { upstream: { prewarm: 1 } });
    await waitFor("the connection", () => origin.connections.length > 0);
    origin.connections[0].send(POISON);
    await waitFor("the connection to be given up", () => origin.connections[0].closed);
    expect((await exchange(evenkeel.port(), GET)).body.toString()).toBe("ok");
  });
});

describe("a client that is out of step", () => {
  it.each([
    ["sends a request behind an upgrade that is refused", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"],
    ["sends a request behind an upgrade that fails", "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nok"],
  ])("%s: it is routed like any other", async (_, answer) => {
    const origin = await startRawOrigin((_request, connection) => connection.send(answer));
    const evenkeel = await startProxy([origin.address], {
      listener: { routes: [{ match: { path: "/open/*" }, pool: "web" }] },
    });
    const client = await RawClient.connect(evenkeel.port());
    await client.send(
      "GET /open/a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nGET /closed HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    await client.response();
    expect((await client.response()).status).toBe(404);
    expect(origin.text).not.toContain("/closed");
  });

  it.each(["h2c", "H2C", "websocket, h2c", "h2c,websocket", "HTTP/2.0", "h2", "foo\th2c"])(
    "is not let through to the server by Upgrade: %s",
    async (protocol) => {
      const origin = await startRawOrigin();
      const evenkeel = await startProxy([origin.address]);
      await exchange(
        evenkeel.port(),
        `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${protocol}\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n`,
      );
      expect(origin.text).not.toMatch(/upgrade|http2-settings/i);
    },
  );

  it("cannot make a body the next request by an answer that comes early", async () => {
    const origin = await startRawOrigin();
    origin.onData = (connection, data) => data.includes("POST") && connection.send(OK);
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    expect((await client.response()).status).toBe(200);
    await client.send(GET + "x".repeat(1000));
    await client.closed();
    expect((await exchange(evenkeel.port(), GET)).body.toString()).toBe("ok");
    expect(origin.requests.map(({ target }) => target)).toEqual(["/next"]);
    expect(origin.connections.length).toBe(2);
  });
});

it("a 101 that names no protocol is a bad answer", async () => {
  const origin = await startRawOrigin((_, connection) =>
    connection.send("HTTP/1.1 101 Switching Protocols\r\n\r\nraw"),
  );
  const evenkeel = await startProxy([origin.address]);
  const response = await exchange(
    evenkeel.port(),
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  );
  expect(response.status).toBe(502);
});
