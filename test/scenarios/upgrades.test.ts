import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { startNodeOrigin } from "../support/origins.ts";
import { payloadBytes } from "../support/payload.ts";
import { startProxy, waitForQuiet } from "../support/proxy.ts";
import { exchange, RawClient } from "../support/raw-client.ts";
import { answerOk, startRawOrigin } from "../support/raw-origin.ts";
import { waitFor } from "../support/wait.ts";

const UPGRADE =
  "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-More: y\r\n\r\n";

describe("WebSocket", () => {
  it("echoes messages of every size in order", async () => {
    const origin = await startNodeOrigin();
    const evenkeel = await startProxy([origin.address]);
    const socket = new WebSocket(`${evenkeel.url().replace("http", "ws")}/ws`);
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    const received: Buffer[] = [];
    socket.on("message", (data: Buffer) => received.push(data));
    const messages = [0, 1, 125, 126, 65_535, 65_536, 1_048_576, 3].map(payloadBytes);
    for (const message of messages) socket.send(message);
    await waitFor("all echoes", () => received.length === messages.length);
    for (const [i, message] of messages.entries()) expect(received[i].equals(message)).toBe(true);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.close(1000, "bye");
    expect(await closed).toBe(1000);
    await waitForQuiet(evenkeel);
  });

  it("carries many at the same time", async () => {
    const origin = await startNodeOrigin();
    const evenkeel = await startProxy([origin.address], { workers: 2 });
    const echoes = Array.from({ length: 50 }, async (_, i) => {
      const socket = new WebSocket(`${evenkeel.url().replace("http", "ws")}/ws`);
      await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
      const echo = new Promise((resolve) => socket.once("message", (data: Buffer) => resolve(data.toString())));
      socket.send(`message ${i}`);
      expect(await echo).toBe(`message ${i}`);
      socket.terminate();
    });
    await Promise.all(echoes);
    await waitForQuiet(evenkeel);
  });
});

describe("upgrades", () => {
  it("open the tunnel only after the server's 101, with what came behind it", async () => {
    const origin = await startRawOrigin();
    origin.script = (_, connection) => {
      connection.send(`${SWITCHING}first`);
    };
    origin.onData = (connection, data) => {
      if (data.toString() === "ping") connection.send("pong");
    };
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    await client.send(UPGRADE);
    const head = await client.head();
    expect(head.status).toBe(101);
    expect(head.headers).toMatchObject({ upgrade: "websocket", "x-more": "y" });
    expect(head.headers["connection"].toLowerCase()).toBe("upgrade");
    expect((await client.readBytes(5)).toString()).toBe("first");
    await client.send("ping");
    expect((await client.readBytes(4)).toString()).toBe("pong");
    expect(origin.connections[0].requests[0].headers).toMatchObject({ upgrade: "websocket" });
    expect(origin.connections[0].requests[0].headers["connection"].toLowerCase()).toBe("upgrade");
  });

  it("send nothing that follows the request before the 101 came", async () => {
    const origin = await startRawOrigin();
    origin.script = () => undefined;
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    await client.send(`${UPGRADE}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`);
    await origin.waitForRequests(1);
    origin.connections[0].send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    expect((await client.response()).status).toBe(403);
    // What followed is an ordinary next request.
    await origin.waitForRequests(2);
    expect(origin.requests[1].target).toBe("/smuggled");
  });

  it("that are refused leave an ordinary connection", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    for (let i = 0; i < 3; i++) {
      await client.send(UPGRADE);
      expect((await client.response()).body.toString()).toBe("ok");
    }
    expect(origin.connections).toHaveLength(1);
  });

  it("to h2c are not passed on, nor is Upgrade without Connection", async () => {
    const origin = await startRawOrigin();
    const evenkeel = await startProxy([origin.address]);
    const h2c =
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n";
    const unconnected = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n";
    for (const bytes of [h2c, unconnected]) {
      expect((await exchange(evenkeel.port(), bytes)).status).toBe(200);
      const { headers } = origin.requests.at(-1)!;
      expect(headers).not.toHaveProperty("upgrade");
      expect(headers).not.toHaveProperty("http2-settings");
    }
  });

  it.each(["client", "server"] as const)("end on both sides when the %s ends", async (side) => {
    const origin = await startRawOrigin((request, connection) => {
      if (request.target === "/socket") connection.send(SWITCHING);
      else answerOk(request, connection);
    });
    const evenkeel = await startProxy([origin.address]);
    const client = await RawClient.connect(evenkeel.port());
    await client.send(UPGRADE);
    await client.head();
    if (side === "client") {
      client.reset();
      await waitFor("the server's connection to be closed", () => origin.open === 0);
    } else {
      origin.connections[0].end("last words");
      expect((await client.readToEnd()).toString()).toBe("last words");
    }
    await waitForQuiet(evenkeel);
    expect((await exchange(evenkeel.port(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).status).toBe(200);
  });

  it("that are silent are closed after their own time", async () => {
    const origin = await startRawOrigin((_, connection) => connection.send(SWITCHING));
    const evenkeel = await startProxy([origin.address], {
      limits: { tunnelIdleTimeout: "1200ms", idleTimeout: "400ms" },
    });
    const client = await RawClient.connect(evenkeel.port());
    await client.send(UPGRADE);
    await client.head();
    const start = Date.now();
    await client.closed();
    expect(Date.now() - start).toBeGreaterThan(900);
    await waitFor("the server's connection to be closed", () => origin.open === 0);
  });
});
