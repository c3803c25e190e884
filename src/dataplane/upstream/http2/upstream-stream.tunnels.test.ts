import { beforeEach, describe, expect, it, vi } from "vitest";
import { forgetOpened } from "../../socket.fixture.ts";
import { FakeUser } from "../upstream-user.fixture.ts";
import { bench, serve } from "./http2-bench.fixture.ts";

vi.mock("../../connect.ts", () => import("../../connect.fixture.ts"));
beforeEach(forgetOpened);

describe("HTTP/2 to a server: tunnels", () => {
  const UPGRADE =
    "GET /chat HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
    "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

  it("are asked for by extended CONNECT, and opened as the client asked for them", async () => {
    const { connections } = bench();
    const user = new FakeUser();
    user.wantsUpgrade = true;
    connections.acquire(user, false);
    const server = await serve(0, { connectProtocol: true });
    user.send(UPGRADE);
    await server.turn();
    const [stream] = server.streams;
    expect(stream.fields).toEqual([
      ":method: CONNECT",
      ":protocol: websocket",
      ":scheme: http",
      ":path: /chat",
      ":authority: a",
      "sec-websocket-version: 13",
    ]);
    expect(stream.ended).toBe(false);
    let accept: string | undefined;
    user.onUpgraded = (head) => {
      accept = head.get("sec-websocket-accept");
      user.calls.push(`upgraded ${head.status}`);
    };
    stream.head(200);
    await server.turn();
    // The example of RFC 6455 1.3.
    expect(accept).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    user.connection!.sendTunnel(Buffer.from("up"));
    stream.data("down");
    await server.turn();
    stream.stream.sendEnd();
    await server.turn();
    expect([stream.body, user.body, user.calls.slice(1)]).toEqual(["up", "down", ["upgraded 101", "tunnel end"]]);
    connections.end();
    expect(user.calls.at(-1)).toBe("closing");
    user.connection!.endTunnel();
    await server.turn();
    expect([stream.ended, connections.size]).toEqual([true, 0]);
  });

  it("of other protocols are not asked for, and the request is an ordinary one", async () => {
    const { connections } = bench();
    const user = new FakeUser();
    user.wantsUpgrade = true;
    connections.acquire(user, false);
    const server = await serve(0, { connectProtocol: true });
    user.send("GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: other/2\r\n\r\n");
    await server.turn();
    expect([server.streams[0].fields, server.streams[0].ended]).toEqual([
      [":method: GET", ":scheme: http", ":path: /a", ":authority: a"],
      true,
    ]);
  });

  it("are not possible where the server does not allow them", async () => {
    const { connections } = bench();
    const user = new FakeUser();
    user.wantsUpgrade = true;
    connections.acquire(user, false);
    const server = await serve();
    user.send(UPGRADE);
    await server.turn();
    expect([user.calls, server.streams.length, connections.inUse]).toEqual([
      ["connection", "failure upgrade_not_possible"],
      0,
      0,
    ]);
  });
});
