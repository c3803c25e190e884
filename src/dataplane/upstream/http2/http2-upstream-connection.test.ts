import { beforeEach, describe, expect, it, vi } from "vitest";
import { errors } from "../../../core/errors.ts";
import { ErrorCode } from "../../../http2/error-code.ts";
import { serverTotals } from "../../../shared-memory/totals.ts";
import { forgetOpened, opened, settled } from "../../socket.fixture.ts";
import { asked, asking, bench, GET, more, serve } from "./http2-bench.fixture.ts";
import { FakeHttp2Server } from "./http2-server.fixture.ts";

vi.mock("../../connect.ts", () => import("../../connect.fixture.ts"));
beforeEach(forgetOpened);

describe("HTTP/2 to a server: the connection", () => {
  it("carries all who wait for it, once the server has introduced itself", async () => {
    const { connections, context } = bench();
    const users = asking(connections, 3);
    opened[0].connected();
    await settled();
    expect([opened.length, users.map(({ calls }) => calls)]).toEqual([1, [[], [], []]]);
    const server = new FakeHttp2Server(opened[0]);
    await server.turn();
    expect(users.map(({ calls }) => calls)).toEqual([["connection"], ["connection"], ["connection"]]);
    for (const user of users) user.send(GET);
    await server.turn();
    expect(server.streams.map(({ fields, ended }) => [fields, ended])).toEqual(
      users.map(() => [[":method: GET", ":scheme: http", ":path: /a", ":authority: a.example", "x-one: 1"], true]),
    );
    expect([connections.size, connections.inUse, context.scoreboard.connections(0)]).toEqual([1, 1, 1]);
  });

  it("sends what is written in one turn by one write", async () => {
    const { connections } = bench();
    const users = asking(connections, 20);
    const server = await serve();
    const { writes } = opened[0];
    for (const user of users) user.send(GET);
    await server.turn();
    expect([server.streams.length, opened[0].writes - writes]).toEqual([20, 1]);
  });

  it("is joined by others, where it is full and there may be more, and waited for where not", async () => {
    const { connections } = bench({ maxStreams: 2, maxConnections: 2 });
    const users = asking(connections, 5);
    // Two connections may be made, of two streams each.
    expect(opened.length).toBe(2);
    const [one, two] = [await serve(0), await serve(1)];
    expect(users.map(({ connection }) => connection !== null)).toEqual([true, true, true, true, false]);
    for (const user of users.slice(0, 4)) user.send(GET);
    await one.turn();
    await two.turn();
    two.streams[1].head(204, "", true);
    await two.turn();
    expect(users[4].calls).toEqual(["connection"]);
    expect([connections.size, opened.length]).toEqual([2, 2]);
  });

  it("keeps to the number of streams that the server allows, also when that changes", async () => {
    const { connections } = bench({ maxConnections: 1 });
    const users = asking(connections, 3);
    const server = await serve(0, { maxStreams: 1 });
    expect(users.map(({ connection }) => connection !== null)).toEqual([true, false, false]);
    for (const next of [1, 2]) {
      users[next - 1].send(GET);
      await server.turn();
      server.streams[next - 1].head(204, "", true);
      await server.turn();
      expect(users[next].connection).not.toBeNull();
    }
    expect(opened.length).toBe(1);
  });

  it("is not multiplied when the server allows no requests for now", async () => {
    const { connections } = bench({ maxConnections: 10 });
    const users = asking(connections, 3);
    const server = await serve(0, { maxStreams: 0 });
    connections.tick(false);
    expect([opened.length, connections.waitedInVain.code]).toEqual([1, "overloaded"]);
    // SETTINGS_MAX_CONCURRENT_STREAMS = 2
    opened[0].receive(Buffer.from([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 2]));
    await server.turn();
    expect(users.map(({ connection }) => connection !== null)).toEqual([true, true, false]);
  });

  it.each([
    ["is refused", async () => opened[0].reset(), "cannot connect: reset"],
    [
      "is answered in HTTP/1.1",
      async () => {
        opened[0].connected();
        opened[0].receive("HTTP/1.1 400 Bad Request\r\n\r\n");
      },
      "cannot connect: the server does not speak HTTP/2: ",
    ],
    [
      "ends at once",
      async () => {
        opened[0].connected();
        opened[0].peerEnd();
      },
      "cannot connect: the server closed the connection",
    ],
  ])("that %s fails those who wait for it, and says why", async (_, act, log) => {
    const { connections, context } = bench();
    const users = asking(connections, 2);
    await act();
    await settled();
    expect(users.map(({ calls }) => calls)).toEqual([["none: connect_failed"], ["none: connect_failed"]]);
    expect(context.logs).toEqual([expect.stringContaining(log)]);
    expect([connections.size, context.scoreboard.connections(0)]).toEqual([0, 0]);
    expect(serverTotals(context.scoreboard.handle, 0).connectFailures).toBe(1);
    expect(opened[0].destroyed).toBe(true);
  });

  it("has its time to be made, SETTINGS included", async () => {
    const { connections, context } = bench({ connectTimeout: "1s" });
    const [user] = asking(connections, 1);
    opened[0].connected();
    context.advance(900);
    expect([user.calls, connections.waitedInVain.code]).toEqual([[], "connect_timeout"]);
    context.advance(200);
    expect([user.calls, opened[0].destroyed]).toEqual([["none: connect_timeout"], true]);
  });

  it("is closed in good order when nobody has used it for long, or has used it often enough", async () => {
    const idle = await asked({ idleTimeout: "4s" });
    idle.stream.head(204, "", true);
    await idle.server.turn();
    idle.context.advance(3900);
    expect(idle.connections.size).toBe(1);
    idle.context.advance(200);
    await idle.server.turn();
    expect([idle.connections.size, idle.server.goneWith, idle.socket.ended]).toEqual([0, ErrorCode.noError, true]);

    forgetOpened();
    const often = await asked({ maxRequestsPerConnection: 2 });
    const { user, stream } = await more(often.connections, often.server);
    asking(often.connections, 1);
    expect(opened.length).toBe(2);
    often.stream.head(204, "", true);
    stream.head(204, "", true);
    await often.server.turn();
    expect([user.calls.at(-1), often.server.goneWith]).toEqual(["end", ErrorCode.noError]);
  });

  it("is asked whether it is alive when it says nothing to those who wait, and lost if it does not answer", async () => {
    const { context, user, server, socket } = await asked({ responseTimeout: "60s" });
    context.advance(10_100);
    await server.turn();
    context.advance(9000);
    // It has answered the ping.
    expect(user.calls).toEqual([]);
    socket.stall();
    context.advance(16_000);
    expect([user.calls, socket.destroyed]).toEqual([["failure connection_lost"], true]);
    expect(context.logs.at(-1)).toContain("did not answer a ping");
  });

  it("goes when the server is removed, drained or killed", async () => {
    const { connections, user, server, stream } = await asked();
    connections.retire();
    await server.turn();
    expect([user.calls, connections.size]).toEqual([[], 1]);
    stream.head(204, "", true);
    await server.turn();
    expect([user.calls.at(-1), connections.size, server.goneWith]).toEqual(["end", 0, ErrorCode.noError]);

    forgetOpened();
    const drained = await asked();
    drained.connections.end();
    await drained.server.turn();
    expect([drained.user.calls, drained.stream.resetBy, drained.connections.size]).toEqual([
      ["failure server_removed"],
      ErrorCode.cancel,
      0,
    ]);

    forgetOpened();
    const cut = await asked();
    cut.connections.destroy(errors.shuttingDown);
    await cut.server.turn();
    expect([cut.user.calls, cut.connections.size]).toEqual([["failure shutting_down"], 0]);
  });

  it("is given up for another worker while nobody uses it, and made ahead of need", async () => {
    const { connections, context, server, stream } = await asked({ maxConnections: 1 });
    context.scoreboard.wantConnection(0);
    connections.tick(true);
    expect(connections.size).toBe(1);
    stream.head(204, "", true);
    await server.turn();
    expect([connections.size, server.goneWith]).toEqual([0, ErrorCode.noError]);

    forgetOpened();
    const early = bench({ prewarm: 2 });
    early.connections.prewarm();
    const [one] = [await serve(0), await serve(1)];
    expect([early.connections.size, early.connections.inUse]).toEqual([2, 0]);
    const { stream: first } = await more(early.connections, one);
    expect(first.fields[0]).toBe(":method: GET");
    expect(opened.length).toBe(2);
  });
});
