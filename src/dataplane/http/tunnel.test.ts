import fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { closeFrame, GOING_AWAY } from "../../core/websocket/close-frame.ts";
import { webConfig } from "../plan.fixture.ts";
import { forgetOpened, opened, settled, type FakeSocket } from "../socket.fixture.ts";
import type { ClientConnection } from "./client-connection.ts";
import { TestProxy } from "./proxy.fixture.ts";

vi.mock("../connect.ts", () => import("../connect.fixture.ts"));
beforeEach(forgetOpened);

const SWITCHED = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ";
const CLOSE = latin1(closeFrame(GOING_AWAY, "going away"));
/** Frames with the payload "hello", from either side. */
const DOWN = "\x81\x05hello";
const UP = "\x81\x85\0\0\0\0hello";
const CLIENT_CLOSE = "\x88\x82\0\0\0\0\x03\xe9";
const SERVER_CLOSE = "\x88\x02\x03\xe9";

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

interface OpenTunnel {
  readonly proxy: TestProxy;
  readonly client: FakeSocket;
  readonly server: FakeSocket;
  close(): void;
}

async function openTunnel(protocol = "websocket", rest = ""): Promise<OpenTunnel> {
  const proxy = new TestProxy(webConfig(["127.0.0.1:1"]));
  const client = proxy.connect();
  client.receive(`GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`);
  const server = opened[0];
  server.connected();
  server.receive(`${SWITCHED}${protocol}\r\n\r\n${rest}`);
  await settled();
  server.takeSent();
  expect(client.takeSent()).toMatch(/^HTTP\/1.1 101 /);
  return { proxy, client, server, close: () => (client.owner as ClientConnection).closeTunnel() };
}

/** The one frame in these bytes without its mask: what is left is its code and reason. */
function unmasked(frame: string): string {
  const bytes = Buffer.from(frame, "latin1");
  expect([bytes[0], bytes[1]]).toEqual([0x88, 0x80 | (bytes.length - 6)]);
  return latin1(bytes.subarray(6).map((byte, i) => byte ^ bytes[2 + (i & 3)]));
}

/** A frame with a payload of that many bytes; the masking key is 0. */
function frame(length: number, masked: boolean): string {
  const head = [0x82, (length > 125 ? 126 : length) | (masked ? 0x80 : 0)];
  if (length > 125) head.push(length >> 8, length & 0xff);
  if (masked) head.push(0, 0, 0, 0);
  return latin1(Buffer.from(head)) + "x".repeat(length);
}

/** Whether the text is some of these frames, from the first one on. */
function wholeFrames(frames: readonly string[], text: string): boolean {
  return [...frames, ""].some((_, count) => frames.slice(0, count).join("") === text);
}

describe("Tunnel: the end of a WebSocket", () => {
  it("is a Close frame 1001 to both sides, and the streams' ends when both have confirmed it", async () => {
    const { proxy, client, server, close } = await openTunnel();
    client.receive(UP);
    server.receive(DOWN);
    expect([server.takeSent(), client.takeSent()]).toEqual([UP, DOWN]);
    close();
    close();
    expect(client.takeSent()).toBe(CLOSE);
    expect(unmasked(server.takeSent())).toBe("\x03\xe9going away");
    expect([client.ended, server.ended]).toEqual([false, false]);
    // What comes now was sent before the other side knew: it has nowhere to go.
    client.receive(UP + CLIENT_CLOSE);
    server.receive(DOWN);
    expect([client.takeSent(), server.takeSent(), client.ended]).toEqual(["", "", false]);
    server.receive(SERVER_CLOSE);
    expect([client.takeSent(), client.ended, server.ended]).toEqual(["", true, true]);
    server.peerEnd();
    client.peerEnd();
    await settled();
    expect([client.destroyed, server.destroyed, proxy.closedCount]).toEqual([true, true, 1]);
    const { scoreboard } = proxy.context;
    expect([scoreboard.inFlight(0), scoreboard.connections(0)]).toEqual([0, 0]);
  });

  it("comes behind the frame that is on its way, in each direction", async () => {
    const { client, server, close } = await openTunnel("WebSocket", DOWN.slice(0, 3));
    client.takeSent();
    client.receive(UP.slice(0, 1));
    server.takeSent();
    close();
    expect([client.takeSent(), server.takeSent()]).toEqual(["", ""]);
    server.receive(`${DOWN.slice(3)}${DOWN}`);
    expect(client.takeSent()).toBe(`${DOWN.slice(3)}${CLOSE}`);
    client.receive(`${UP.slice(1)}${UP}`);
    const sent = server.takeSent();
    expect(sent.slice(0, UP.length - 1)).toBe(UP.slice(1));
    expect(unmasked(sent.slice(UP.length - 1))).toBe("\x03\xe9going away");
  });

  it("does not repeat what a side has said itself", async () => {
    const { client, server, close } = await openTunnel();
    server.receive(SERVER_CLOSE);
    client.takeSent();
    close();
    expect(client.takeSent()).toBe("");
    expect(unmasked(server.takeSent())).toBe("\x03\xe9going away");
    client.receive(CLIENT_CLOSE);
    expect([client.ended, server.ended, server.takeSent()]).toEqual([true, true, ""]);
  });

  it.each(["client", "server"] as const)("does not wait for ever for a %s in the middle of a frame", async (side) => {
    const { proxy, client, server, close } = await openTunnel();
    if (side === "client") client.receive(UP.slice(0, 8));
    else server.receive(DOWN.slice(0, 3));
    close();
    proxy.context.advance(1900);
    expect([client.ended, server.ended]).toEqual([false, false]);
    proxy.context.advance(200);
    // The end of the stream, not a reset.
    expect([client.ended, server.ended, client.destroyed, server.destroyed]).toEqual([true, true, false, false]);
    proxy.context.advance(2100);
    await settled();
    expect([client.destroyed, server.destroyed]).toEqual([true, true]);
    expect(proxy.context.scoreboard.inFlight(0)).toBe(0);
  });

  it("is the streams' end alone where the bytes are no frames", async () => {
    const { client, server, close } = await openTunnel();
    client.receive("GET / HTTP/1.1\r\n");
    server.receive("\xff\xff\xff");
    expect([client.takeSent(), server.takeSent()]).toEqual(["\xff\xff\xff", "GET / HTTP/1.1\r\n"]);
    close();
    expect([client.takeSent(), server.takeSent(), client.ended, server.ended]).toEqual(["", "", true, true]);
  });

  it("comes at once when the side in the middle of a frame ends", async () => {
    const { client, server, close } = await openTunnel();
    client.receive(UP.slice(0, 8));
    server.takeSent();
    close();
    client.peerEnd();
    server.receive(SERVER_CLOSE);
    expect([client.ended, server.ended, server.takeSent()]).toEqual([true, true, ""]);
  });

  it("reaches a client that had stopped reading for a while", async () => {
    const { client, server, close } = await openTunnel();
    client.stall();
    const long = `\x82\x7f${"\0".repeat(5)}\x03\x0d\x40${"x".repeat(200_000)}`;
    server.receive(long);
    expect(server.reading).toBe(false);
    close();
    client.flow();
    await settled();
    await settled();
    expect(client.takeSent() === long + CLOSE).toBe(true);
  });

  it("leaves the client time to read when the server ends first", async () => {
    const { proxy, client, server, close } = await openTunnel();
    close();
    client.takeSent();
    server.receive(SERVER_CLOSE);
    server.peerEnd();
    client.receive(CLIENT_CLOSE);
    await settled();
    expect([server.destroyed, client.ended, client.destroyed]).toEqual([true, true, false]);
    proxy.context.advance(2100);
    await settled();
    expect([client.destroyed, proxy.context.scoreboard.inFlight(0)]).toEqual([true, 0]);
  });
});

describe("Tunnel: the Close frame", () => {
  const lengths = fc.array(fc.oneof(fc.nat({ max: 20 }), fc.constantFrom(125, 126, 1000)), { maxLength: 8 });

  it("stands behind whole frames, whenever the end comes and however the bytes are cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        lengths,
        lengths,
        fc.nat({ max: 60 }),
        fc.integer({ min: 1, max: 40 }),
        async (down, up, at, size) => {
          const { client, server, close } = await openTunnel();
          const frames = {
            server: down.map((length) => frame(length, false)),
            client: up.map((length) => frame(length, true)),
          };
          const [fromServer, fromClient] = [frames.server.join(""), frames.client.join("")];
          for (let i = 0; i * size < Math.max(fromServer.length, fromClient.length) || i <= at; i++) {
            if (i === at) close();
            server.receive(fromServer.slice(i * size, (i + 1) * size));
            client.receive(fromClient.slice(i * size, (i + 1) * size));
          }
          const toClient = client.takeSent();
          expect(toClient.endsWith(CLOSE)).toBe(true);
          expect(wholeFrames(frames.server, toClient.slice(0, -CLOSE.length))).toBe(true);
          const toServer = server.takeSent();
          const end = toServer.length - CLOSE.length - 4;
          expect(unmasked(toServer.slice(end))).toBe("\x03\xe9going away");
          expect(wholeFrames(frames.client, toServer.slice(0, end))).toBe(true);
          client.reset();
          await settled();
          forgetOpened();
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("Tunnel: the end of another protocol", () => {
  it("is the end of both streams, behind what was sent", async () => {
    const { proxy, client, server, close } = await openTunnel("chat");
    client.stall();
    server.receive("last words");
    close();
    client.flow();
    expect([client.takeSent(), client.ended, server.ended, server.takeSent()]).toEqual(["last words", true, true, ""]);
    client.receive("too late");
    server.receive("too late");
    expect([client.takeSent(), server.takeSent()]).toEqual(["", ""]);
    client.peerEnd();
    await settled();
    expect([server.destroyed, proxy.context.scoreboard.inFlight(0)]).toEqual([true, 0]);
  });
});

it("nothing is closed where there is no tunnel", () => {
  const client = new TestProxy(webConfig(["127.0.0.1:1"])).connect();
  (client.owner as ClientConnection).closeTunnel();
  expect([client.sent, client.ended]).toEqual(["", false]);
});
