import fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { controlFrame } from "../../core/websocket/control-frame.ts";
import { listenerTotals, serverTotals } from "../../shared-memory/totals.ts";
import { webConfig } from "../plan.fixture.ts";
import { forgetOpened, opened, settled, type FakeSocket } from "../socket.fixture.ts";
import { TestProxy } from "./proxy.fixture.ts";

vi.mock("../connect.ts", () => import("../connect.fixture.ts"));
beforeEach(forgetOpened);

const DOWN = "\x81\x05hello";
const UP = "\x81\x85\0\0\0\0hello";

interface Pinged {
  readonly proxy: TestProxy;
  readonly client: FakeSocket;
  readonly server: FakeSocket;
  /** Lets time pass. */
  wait(ms: number): void;
}

/** A WebSocket whose sides are pinged after 10 s of silence. */
async function openPinged(limits: object = {}): Promise<Pinged> {
  const proxy = new TestProxy(
    webConfig(["127.0.0.1:1"], {}, { limits: { webSocketPing: "10s", tunnelIdleTimeout: "1h", ...limits } }),
  );
  const client = proxy.connect();
  client.receive("GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  const server = opened[0];
  server.connected();
  server.receive("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  await settled();
  server.takeSent();
  client.takeSent();
  return { proxy, client, server, wait: (ms) => proxy.context.advance(ms) };
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

/** The payload of the one ping in these bytes, which stand behind `before`; masked if it is one for a server. */
function pingPayload(sent: string, masked: boolean, before = ""): Uint8Array {
  expect(sent.slice(0, before.length)).toBe(before);
  const bytes = Buffer.from(sent.slice(before.length), "latin1");
  expect([...bytes.subarray(0, 2)]).toEqual([0x89, masked ? 0x84 : 4]);
  expect(bytes.length).toBe(masked ? 10 : 6);
  return masked ? bytes.subarray(6).map((byte, i) => byte ^ bytes[2 + i]) : bytes.subarray(2);
}

/** The Pong of a client (masked) or a server. */
function pong(payload: Uint8Array, masked: boolean): string {
  return latin1(controlFrame(10, payload, masked ? 0x12345678 : undefined));
}

describe("Tunnel: pings", () => {
  it("go to both sides after a silence, and their Pongs no further", async () => {
    const { client, server, wait } = await openPinged();
    wait(9900);
    expect([client.takeSent(), server.takeSent()]).toEqual(["", ""]);
    wait(200);
    const [toClient, toServer] = [pingPayload(client.takeSent(), false), pingPayload(server.takeSent(), true)];
    client.receive(pong(toClient, true));
    server.receive(pong(toServer, false));
    expect([client.takeSent(), server.takeSent()]).toEqual(["", ""]);
    wait(9000);
    expect([client.takeSent(), server.takeSent(), client.ended]).toEqual(["", "", false]);
    // Somebody else's Pong is passed on as ever.
    client.receive(pong(toClient, true));
    expect(server.takeSent()).toBe(pong(toClient, true));
  });

  it("go to the silent side only", async () => {
    const { client, server, wait } = await openPinged();
    for (let i = 0; i < 4; i++) {
      wait(4000);
      client.receive(UP);
    }
    expect(server.takeSent().replaceAll(UP, "")).toHaveLength(10);
    expect(client.takeSent()).toBe("");
  });

  it("are taken out of the midst of what comes with them", async () => {
    const { client, server, wait } = await openPinged();
    wait(10_100);
    const payload = pingPayload(client.takeSent(), false);
    server.takeSent();
    client.receive(`${UP}${pong(payload, true)}${UP}`);
    expect(server.takeSent()).toBe(UP + UP);
  });

  it("count as answered by anything, a Pong in two pieces included, which is passed on", async () => {
    const { client, server, wait } = await openPinged();
    wait(10_100);
    const answer = pong(pingPayload(client.takeSent(), false), true);
    server.takeSent();
    client.receive(answer.slice(0, 5));
    client.receive(answer.slice(5));
    expect(server.takeSent()).toBe(answer);
    server.receive(DOWN);
    wait(9000);
    expect([client.ended, server.ended]).toEqual([false, false]);
  });

  it("stand between frames, never in one", async () => {
    const { client, server, wait } = await openPinged();
    server.receive(DOWN.slice(0, 4));
    client.receive(UP.slice(0, 7));
    client.takeSent();
    server.takeSent();
    wait(12_000);
    expect([client.takeSent(), server.takeSent()]).toEqual(["", ""]);
    server.receive(DOWN.slice(4) + DOWN);
    const sent = client.takeSent();
    expect(sent.startsWith(DOWN.slice(4)) && sent.endsWith(DOWN)).toBe(true);
    pingPayload(sent.slice(3, -DOWN.length), false);
    client.receive(UP.slice(7));
    pingPayload(server.takeSent(), true, UP.slice(7));
  });

  it.each(["client", "server"] as const)(
    "that a %s does not answer end it, and the other side learns why",
    async (dead) => {
      const { proxy, client, server, wait } = await openPinged();
      wait(10_100);
      const [toClient, toServer] = [pingPayload(client.takeSent(), false), pingPayload(server.takeSent(), true)];
      if (dead === "client") server.receive(pong(toServer, false));
      else client.receive(pong(toClient, true));
      wait(9800);
      expect([client.ended, server.ended]).toEqual([false, false]);
      wait(300);
      if (dead === "client") {
        const bytes = Buffer.from(server.takeSent(), "latin1");
        const frame = bytes.subarray(bytes.indexOf(0x88));
        const text = frame.subarray(6).map((byte, i) => byte ^ frame[2 + (i & 3)]);
        expect(latin1(text)).toBe("\x03\xe9the client does not answer");
        server.receive("\x88\x02\x03\xe9");
      } else {
        expect(client.takeSent()).toContain("\x03\xf3the server does not answer");
        client.receive("\x88\x82\0\0\0\0\x03\xf3");
      }
      expect([client.ended, server.ended]).toEqual([true, true]);
      wait(2100);
      await settled();
      expect([client.destroyed, server.destroyed]).toEqual([true, true]);
      const { scoreboard } = proxy.context;
      expect([scoreboard.inFlight(0), scoreboard.webSockets.open(0), proxy.webSockets]).toEqual([0, 0, 0]);
    },
  );

  it("do not follow a Close frame, nor bytes that are no frames", async () => {
    const { client, server, wait } = await openPinged();
    server.receive("\x88\x02\x03\xe8");
    client.receive("garbage");
    client.takeSent();
    server.takeSent();
    wait(60_000);
    expect([client.takeSent(), server.takeSent(), client.ended]).toEqual(["", "", false]);
  });

  it("do not blame a side that is not read from, because the other one takes nothing", async () => {
    const { client, server, wait } = await openPinged();
    server.stall();
    for (let i = 0; i < 5; i++) client.receive("\x82\xfe\x75\x30\0\0\0\0" + "x".repeat(30_000));
    expect(client.reading).toBe(false);
    wait(10_500);
    // The server is asked, which it is behind what it does not take; the client is not.
    expect(client.takeSent()).toBe("");
    wait(10_500);
    expect(client.takeSent()).toContain("the server does not answer");
  });

  it("keep nobody from being idle", async () => {
    const { client, server, wait } = await openPinged({ tunnelIdleTimeout: "25s" });
    for (let i = 0; i < 2; i++) {
      wait(10_100);
      client.receive(pong(pingPayload(client.takeSent(), false), true));
      server.receive(pong(pingPayload(server.takeSent(), true), false));
    }
    expect(client.takeSent()).toBe("");
    wait(5000);
    expect(client.takeSent()).toContain("\x03\xe9idle");
  });
});

describe("Tunnel: pings and pieces", () => {
  const texts = fc.array(fc.oneof(fc.nat({ max: 20 }), fc.constantFrom(125, 126, 300)), { minLength: 1, maxLength: 6 });

  it("leave every other byte as it is, wherever the bytes are cut and whenever a ping is due", async () => {
    await fc.assert(
      fc.asyncProperty(texts, fc.integer({ min: 1, max: 60 }), fc.nat({ max: 20 }), async (lengths, size, at) => {
        const { proxy, client, server, wait } = await openPinged();
        const stream = lengths.map((length) => frame(length)).join("");
        let received = "";
        for (let i = 0; i * size < stream.length; i++) {
          if (i === at) wait(10_100);
          server.receive(stream.slice(i * size, (i + 1) * size));
          received += client.takeSent();
        }
        // Pings are the only frames that begin with 0x89: payloads are "x".
        const [first, ...others] = received.split("\x89\x04");
        const without = first + others.map((part) => part.slice(4)).join("");
        expect(without === stream).toBe(true);
        expect(others.length).toBeLessThanOrEqual(1);
        const { bytesIn, messagesIn, open } = serverTotals(proxy.context.scoreboard.handle, 0).webSockets;
        expect([bytesIn, messagesIn, open]).toEqual([stream.length, lengths.length, 1]);
        client.reset();
        await settled();
        forgetOpened();
      }),
      { numRuns: 100 },
    );
  });
});

describe("Tunnel: counts", () => {
  it("are messages and bytes of both directions, and what is open", async () => {
    const { proxy, client, server } = await openPinged();
    const { scoreboard } = proxy.context;
    // A message in three frames with a ping between them, and one in one.
    client.receive("\x01\x81\0\0\0\0a\x89\x80\0\0\0\0\x00\x81\0\0\0\0b\x80\x81\0\0\0\0c");
    client.receive(UP);
    server.receive(DOWN);
    const bytes = { bytesIn: 27 + UP.length, bytesOut: DOWN.length };
    expect(listenerTotals(scoreboard.handle, proxy.slot).webSockets).toEqual({
      open: 1,
      messagesIn: 2,
      messagesOut: 1,
      ...bytes,
    });
    expect(serverTotals(scoreboard.handle, 0).webSockets).toEqual({
      open: 1,
      messagesIn: 1,
      messagesOut: 2,
      bytesIn: bytes.bytesOut,
      bytesOut: bytes.bytesIn,
      rebalanced: 0,
    });
    expect([scoreboard.inFlight(0), scoreboard.webSockets.open(0)]).toEqual([1, 1]);
    client.reset();
    await settled();
    expect(listenerTotals(scoreboard.handle, proxy.slot).webSockets.open).toBe(0);
    expect([scoreboard.inFlight(0), scoreboard.webSockets.open(0)]).toEqual([0, 0]);
  });

  it("stop with the beginning of the end", async () => {
    const { proxy, client, server } = await openPinged();
    proxy.context.scoreboard.webSockets.tryLeave(0, 0);
    proxy.context.movables.takeOldest(0)!.moveAway();
    expect(client.takeSent()).toContain("\x03\xf4rebalancing");
    expect(proxy.context.scoreboard.webSockets.open(0)).toBe(0);
    client.receive("\x88\x82\0\0\0\0\x03\xf4");
    server.receive("\x88\x02\x03\xf4");
    client.peerEnd();
    server.peerEnd();
    await settled();
    expect([proxy.context.scoreboard.webSockets.open(0), proxy.webSockets]).toEqual([0, 0]);
  });
});

/** A server's frame with that many "x". */
function frame(length: number): string {
  const head = length > 125 ? [0x82, 126, length >> 8, length & 0xff] : [0x82, length];
  return latin1(Buffer.from(head)) + "x".repeat(length);
}
