import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { atEnd } from "../support/cleanup.ts";
import { ChatClient, startChatOrigin, type ChatOrigin } from "../support/chat-origin.ts";
import type { Evenkeel } from "../support/evenkeel.ts";
import { openSession, request } from "../support/http2-client.ts";
import { serverCounters, startProxy, waitForQuiet, webConfig } from "../support/proxy.ts";
import { RawClient } from "../support/raw-client.ts";
import { startRawOrigin } from "../support/raw-origin.ts";
import { act } from "../support/two-servers.ts";
import { waitFor } from "../support/wait.ts";

const UPGRADE =
  "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

/** Counters of WebSockets as the interface shows them. */
interface Counters {
  readonly open: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly rebalanced?: number;
}

async function shown(evenkeel: Evenkeel): Promise<{ listener: Counters; servers: Counters[]; node: Counters }> {
  const { listeners } = (await evenkeel.admin("/api/v2/listeners")) as { listeners: { webSockets: Counters }[] };
  const { servers } = (await evenkeel.admin("/api/v2/servers")) as { servers: { webSockets: Counters }[] };
  const { totals } = (await evenkeel.admin("/api/v2/status")) as { totals: { webSockets: Counters } };
  return {
    listener: listeners[0].webSockets,
    servers: servers.map(({ webSockets }) => webSockets),
    node: totals.webSockets,
  };
}

describe("WebSockets are counted", () => {
  it("by messages and bytes in each direction, for the listener, its servers and the node", async () => {
    const origin = await startChatOrigin("one");
    const evenkeel = await startProxy([origin.address], { workers: 2 });
    const clients = await Promise.all(Array.from({ length: 6 }, () => ChatClient.connect(evenkeel.url())));
    for (const { socket } of clients) for (const size of [1, 200, 70_000]) socket.send(Buffer.alloc(size));
    await waitFor("the echoes", () => clients.every(({ messages }) => messages === 3));
    // Frames from clients have a masking key besides.
    const heads = 2 + 4 + 10;
    const toServer = 6 * (70_201 + heads + 12);
    const toClient = 6 * (70_201 + heads);
    const { listener, servers, node } = await shown(evenkeel);
    expect(listener).toEqual({ open: 6, messagesIn: 18, messagesOut: 18, bytesIn: toServer, bytesOut: toClient });
    expect(node).toEqual(listener);
    expect(servers).toEqual([
      { open: 6, messagesIn: 18, messagesOut: 18, bytesIn: toClient, bytesOut: toServer, rebalanced: 0 },
    ]);
    for (const { socket } of clients) socket.close();
    await waitFor("none to be open", async () => (await shown(evenkeel)).node.open === 0);
  });

  it("once per message, whatever the pieces: every cut of a fragmented message with control frames between", async () => {
    const origin = await startRawOrigin((_, connection) => connection.send(SWITCHING));
    const received: Buffer[] = [];
    origin.onData = (_, data) => void received.push(data);
    const evenkeel = await startProxy([origin.address]);
    const bytes = Buffer.from(
      "\x01\x82\x01\x02\x03\x04ab\x89\x81\x05\x06\x07\x08p\x00\xfe\x00\x80\0\0\0\0" +
        "x".repeat(128) +
        "\x80\x80\0\0\0\0\x8a\x80\0\0\0\0\x82\x81\0\0\0\0!",
      "latin1",
    );
    for (let cut = 1; cut < bytes.length; cut += cut < 30 || cut > 150 ? 1 : 40) {
      const client = await RawClient.connect(evenkeel.port());
      await client.send(UPGRADE);
      await client.head();
      received.length = 0;
      await client.send(bytes.subarray(0, cut));
      await waitFor("the first piece", () => Buffer.concat(received).length === cut);
      await client.send(bytes.subarray(cut));
      await waitFor("all bytes", () => Buffer.concat(received).length === bytes.length);
      expect(Buffer.concat(received).equals(bytes)).toBe(true);
      client.reset();
    }
    await waitForQuiet(evenkeel);
    const { listener } = await shown(evenkeel);
    expect(listener.messagesIn % 2).toBe(0);
    expect(listener.messagesIn).toBe((2 * listener.bytesIn) / bytes.length);
  });

  it("as long as their bytes are frames; what is none passes all the same", async () => {
    const origin = await startRawOrigin((_, connection) => connection.send(SWITCHING));
    let received = "";
    origin.onData = (_, data) => void (received += data.toString("latin1"));
    const evenkeel = await startProxy([origin.address], { limits: { webSocketPing: "200ms" } });
    const client = await RawClient.connect(evenkeel.port());
    await client.send(UPGRADE);
    await client.head();
    received = "";
    const bad = "\x81\x85\0\0\0\0hello\xf3\x00not a frame\x81\x85\0\0\0\0hello";
    await client.send(bad);
    await waitFor("the bytes", () => received.includes("not a frame") && received.length >= bad.length);
    expect(received.slice(0, bad.length)).toBe(bad);
    expect((await shown(evenkeel)).listener.messagesIn).toBe(1);
    client.reset();
    await waitForQuiet(evenkeel);
  });
});

describe("WebSockets with compression", () => {
  it("pass as they are, pings between their frames included", async () => {
    const origin = await startChatOrigin("one");
    const evenkeel = await startProxy([origin.address], { limits: { webSocketPing: "500ms" } });
    const socket = new WebSocket(evenkeel.url().replace("http", "ws"), { perMessageDeflate: { threshold: 0 } });
    atEnd(() => socket.terminate());
    let pings = 0;
    let pongs = 0;
    socket.on("ping", () => pings++).on("pong", () => pongs++);
    const texts: string[] = [];
    socket.on("message", (data: Buffer) => texts.push(data.toString()));
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    const text = "compressible ".repeat(5000);
    socket.send(text);
    await waitFor("three pings", () => pings >= 3);
    socket.send(text);
    await waitFor("the echoes", () => texts.length === 2);
    expect(texts).toEqual([text, text]);
    // The server answers the proxy's pings, not the client's.
    expect([pongs, socket.readyState]).toEqual([0, WebSocket.OPEN]);
    expect((await shown(evenkeel)).node.open).toBe(1);
  });
});

describe("WebSocket pings", () => {
  it("find a client that is gone without a word, and tell the server", async () => {
    const origin = await startChatOrigin("one");
    const evenkeel = await startProxy([origin.address], { limits: { webSocketPing: "300ms" } });
    const client = await RawClient.connect(evenkeel.port());
    await client.send(UPGRADE);
    await client.head();
    // It reads, and says nothing.
    expect((await client.readBytes(2)).toString("latin1")).toBe("\x89\x04");
    await waitFor("the server to be told", () => origin.closes.length === 1);
    expect(origin.closes).toEqual(["1001 the client does not answer"]);
    await client.closed();
    await waitForQuiet(evenkeel);
  });

  it("find a silent stream of an HTTP/2 connection, which goes on", async () => {
    const origin = await startChatOrigin("one");
    const evenkeel = await startProxy([origin.address], { limits: { webSocketPing: "300ms" } });
    const session = await openSession(evenkeel.url());
    const stream = session.request(
      { ":method": "CONNECT", ":protocol": "websocket", ":path": "/", "sec-websocket-version": "13" },
      { endStream: false },
    );
    let received = "";
    stream.on("data", (data: Buffer) => (received += data.toString("latin1"))).on("error", () => undefined);
    await waitFor("the ping", () => received.startsWith("\x89\x04"));
    await waitFor("the server to be told", () => origin.closes.length === 1);
    expect(origin.closes).toEqual(["1001 the client does not answer"]);
    await waitForQuiet(evenkeel);
    expect((await request(session, { ":path": "/" })).body.toString()).toBe("one");
    expect((await shown(evenkeel)).node.open).toBe(0);
  });

  it("find a server that does not answer, and tell the client", async () => {
    const origin = await startRawOrigin((_, connection) => connection.send(SWITCHING));
    const evenkeel = await startProxy([origin.address], { limits: { webSocketPing: "300ms" } });
    const client = await RawClient.connect(evenkeel.port());
    await client.send(UPGRADE);
    await client.head();
    // The client's ping, and something that is an answer as well.
    await client.readBytes(6);
    await client.send("\x81\x80\0\0\0\0");
    const told = await client.readUntil("the server does not answer");
    expect(told).toContain("\x03\xf3the server");
    client.reset();
    await waitForQuiet(evenkeel);
  });
});

describe("WebSockets and balancing", () => {
  it("count on their server for as long as they last", async () => {
    const [one, two] = [await startChatOrigin("one"), await startChatOrigin("two")];
    const evenkeel = await startProxy([one.address, two.address], {
      workers: 2,
      pool: { algorithm: "least_connections" },
    });
    for (let i = 0; i < 20; i++) await ChatClient.connect(evenkeel.url());
    expect([one.open.size, two.open.size]).toEqual([10, 10]);
    expect((await serverCounters(evenkeel)).map(({ inFlight }) => inFlight)).toEqual([10, 10]);
    for (const socket of one.open) socket.close();
    await waitFor("one to be empty", async () => (await serverCounters(evenkeel))[0].inFlight === 0);
    for (let i = 0; i < 10; i++) await ChatClient.connect(evenkeel.url());
    expect([one.open.size, two.open.size]).toEqual([10, 10]);
  });

  it("keep to the server's limit", async () => {
    const origin = await startChatOrigin("one");
    const evenkeel = await startProxy([{ address: origin.address, maxConnections: 2 }], {
      pool: { queue: { limit: 0 } },
    });
    await ChatClient.connect(evenkeel.url());
    await ChatClient.connect(evenkeel.url());
    await expect(ChatClient.connect(evenkeel.url())).rejects.toThrow(/503/);
  });
});

/** A client that comes back whenever it is closed, as browsers' scripts do. */
class Returning {
  static readonly closes: { at: number; code: number }[] = [];
  #socket!: WebSocket;
  #stopped = false;

  constructor(url: string) {
    this.#open(url);
    atEnd(() => {
      this.#stopped = true;
      this.#socket.terminate();
    });
  }

  #open(url: string): void {
    this.#socket = new WebSocket(url.replace("http", "ws"));
    this.#socket.on("error", () => undefined);
    this.#socket.on("close", (code) => {
      if (this.#stopped) return;
      Returning.closes.push({ at: performance.now(), code });
      setTimeout(() => this.#open(url), 50);
    });
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }
}

describe("rebalancing", () => {
  it("gives a third server its third, with 1012 and never faster than the budget", async () => {
    const origins: ChatOrigin[] = [];
    for (const name of ["one", "two", "three"]) origins.push(await startChatOrigin(name));
    const budget = 900;
    const pool = {
      algorithm: "least_connections",
      rebalance: { perMinute: "10%", minPerMinute: budget, threshold: "5%" },
    };
    const addresses = origins.map(({ address }) => address);
    const evenkeel = await startProxy(addresses.slice(0, 2), { workers: 2, pool });
    const clients: Returning[] = [];
    for (let i = 0; i < 300; i++) {
      clients.push(new Returning(evenkeel.url()));
      if (i % 20 === 19) await waitFor("them to open", () => clients.every(({ isOpen }) => isOpen));
    }
    expect(origins.map(({ open }) => open.size)).toEqual([150, 150, 0]);
    // In balance nothing was closed.
    expect(Returning.closes).toEqual([]);

    const from = evenkeel.log.length;
    evenkeel.writeConfig(webConfig(addresses, { workers: 2, pool }));
    evenkeel.signal("SIGHUP");
    await evenkeel.waitForLog(/is in use/, from);
    await waitFor(
      "a third for each",
      () => clients.every(({ isOpen }) => isOpen) && origins.every(({ open }) => open.size >= 90 && open.size <= 105),
      40_000,
    );
    const { closes } = Returning;
    expect(new Set(closes.map(({ code }) => code))).toEqual(new Set([1012]));
    // The turns are 67 ms apart; clients notice them with some delay, which differs.
    for (const { at } of closes)
      expect(closes.filter((other) => other.at >= at && other.at < at + 3000).length).toBeLessThanOrEqual(50);
    // It took about as many as had to move, and the servers were told as well.
    expect(closes.length).toBeGreaterThanOrEqual(90);
    expect(closes.length).toBeLessThanOrEqual(115);
    await waitFor("the servers' sides", () => origins[0].closes.length + origins[1].closes.length === closes.length);
    expect(new Set([...origins[0].closes, ...origins[1].closes])).toEqual(new Set(["1012 rebalancing"]));
    expect(origins[2].closes).toEqual([]);
    const { servers } = await shown(evenkeel);
    expect(servers.reduce((sum, { rebalanced }) => sum + rebalanced!, 0)).toBe(closes.length);
  }, 90_000);

  it("gives a server that comes back its share again", async () => {
    const [one, two] = [await startChatOrigin("one"), await startChatOrigin("two")];
    const evenkeel = await startProxy([one.address, two.address], {
      pool: { algorithm: "least_connections", rebalance: { minPerMinute: 1200, threshold: 0 } },
    });
    await act(evenkeel, two, "maintenance", { timeout: 0 });
    const clients = Array.from({ length: 40 }, () => new Returning(evenkeel.url()));
    await waitFor("all on the first", () => clients.every(({ isOpen }) => isOpen));
    expect([one.open.size, two.open.size]).toEqual([40, 0]);
    await act(evenkeel, two, "resume");
    await waitFor("half for each", () => one.open.size === 20 && two.open.size === 20, 20_000);
  });
});
