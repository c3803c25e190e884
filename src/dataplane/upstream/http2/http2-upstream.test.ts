import { beforeEach, describe, expect, it, vi } from "vitest";
import { errors } from "../../../core/errors.ts";
import { ErrorCode } from "../../../http2/error-code.ts";
import { serverTotals } from "../../../shared-memory/totals.ts";
import { forgetOpened, opened, settled } from "../../socket.fixture.ts";
import { testWorker } from "../../worker.fixture.ts";
import { ServerConnections } from "../server-connections.ts";
import { FakeUser, poolConfig } from "../upstream-user.fixture.ts";
import { FakeHttp2Server, type ServedStream } from "./http2-server.fixture.ts";

vi.mock("../../connect.ts", () => import("../../connect.fixture.ts"));
beforeEach(forgetOpened);

const GET = "GET /a HTTP/1.1\r\nHost: a.example\r\nX-One: 1\r\n\r\n";
const POST = "POST /a HTTP/1.1\r\nHost: a.example\r\n\r\n";

function bench(upstream: object = {}) {
  const context = testWorker();
  const config = poolConfig({ servers: ["127.0.0.1:1"], upstream: { protocol: "h2c", ...upstream } }).upstream;
  const connections = new ServerConnections({ host: "127.0.0.1", port: 1 }, 0, config, context);
  return { connections, context };
}

/** Users that ask for a connection, in order. */
function asking(connections: ServerConnections, count: number): FakeUser[] {
  return Array.from({ length: count }, () => {
    const user = new FakeUser();
    connections.acquire(user, false);
    return user;
  });
}

/** The server at the other end of the connection that was opened as that one, connected and introduced. */
async function serve(index = 0, options: ConstructorParameters<typeof FakeHttp2Server>[1] = {}) {
  const socket = opened[index];
  socket.connected();
  const server = new FakeHttp2Server(socket, options);
  await server.turn();
  return server;
}

/** One user whose request, without a body, is with the server. */
async function asked(upstream: object = {}, text = GET) {
  const { connections, context } = bench(upstream);
  const [user] = asking(connections, 1);
  const server = await serve();
  user.send(text);
  await server.turn();
  user.calls.length = 0;
  return { connections, context, user, server, stream: server.streams[0], socket: opened[0] };
}

/** One more request on what there is. */
async function more(connections: ServerConnections, server: FakeHttp2Server) {
  const [user] = asking(connections, 1);
  user.send(GET);
  await server.turn();
  return { user, stream: server.streams.at(-1)! };
}

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
    expect(connections.size).toBe(0);

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

describe("HTTP/2 to a server: answers", () => {
  it("passes a short one that comes in one read on as a whole, also when its end comes by itself", async () => {
    for (const alone of [false, true]) {
      forgetOpened();
      const { server, user, stream, connections } = await asked();
      stream.head(200, "content-length: 2\r\n").data("ok", !alone);
      if (alone) stream.stream.sendEnd();
      await server.turn();
      expect([user.calls, connections.inUse]).toEqual([["whole 200 ok", "end"], 0]);
    }
  });

  it("passes others on as they come", async () => {
    const { server, user, stream } = await asked();
    stream.head(200, "content-length: 4\r\n");
    await server.turn();
    expect(user.calls).toEqual(["head 200 1 false"]);
    stream.data("ab");
    await server.turn();
    stream.data("cd", true);
    await server.turn();
    expect([user.calls, user.body]).toEqual([["head 200 1 false", "end"], "abcd"]);
    forgetOpened();
    const open = await asked();
    open.stream.head(200).data("abc", true);
    await open.server.turn();
    expect([open.user.calls, open.user.body]).toEqual([["head 200 2 true", "end"], "abc"]);
  });

  it("keeps those apart that come in one read", async () => {
    const { connections, server, user, stream } = await asked();
    const other = await more(connections, server);
    other.user.calls.length = 0;
    stream.head(200, "content-length: 1\r\n");
    other.stream.head(404, "content-length: 2\r\n");
    other.stream.data("no", true);
    stream.data("a", true);
    await server.turn();
    expect([user.calls, user.body]).toEqual([["head 200 1 false", "end"], "a"]);
    expect(other.user.calls).toEqual(["whole 404 no", "end"]);
  });

  it("knows those without a body", async () => {
    for (const [method, status, lines] of [
      ["HEAD", 200, "content-length: 5\r\n"],
      ["GET", 304, "content-length: 5\r\n"],
      ["GET", 204, ""],
      ["GET", 200, ""],
    ] as const) {
      forgetOpened();
      const { server, user, stream } = await asked();
      user.method = method;
      stream.head(status, lines, true);
      await server.turn();
      expect(user.calls).toEqual([`whole ${status} `, "end"]);
    }
  });

  it("passes trailers and interim answers on, up to 16", async () => {
    const { server, user, stream } = await asked();
    for (let i = 0; i < 16; i++) stream.head(103);
    stream.head(200).data("x").trailers("grpc-status: 0\r\n");
    await server.turn();
    expect(user.calls.slice(15)).toEqual(["informational 103", "head 200 2 true", "end grpc-status: 0"]);
    forgetOpened();
    const many = await asked();
    for (let i = 0; i < 17; i++) many.stream.head(103);
    await many.server.turn();
    expect([many.user.calls.at(-1), many.stream.resetBy]).toEqual(["failure bad_response", ErrorCode.protocolError]);
  });

  it("holds the server up while its client takes nothing, and nobody else", async () => {
    const { connections, server, user, stream, context } = await asked();
    const size = 300_000;
    user.goOn = false;
    stream.head(200, `content-length: ${size}\r\n`).data("x".repeat(size), true);
    await server.turn();
    expect([user.body.length, stream.stream.unsent]).toEqual([262_144, size - 262_144]);
    const other = await more(connections, server);
    other.stream.head(200).data("y".repeat(200_000), true);
    await server.turn();
    expect([other.user.body.length, other.user.calls.at(-1)]).toEqual([200_000, "end"]);
    context.advance(9000);
    expect(user.calls).toEqual(["head 200 1 true"]);
    user.goOn = true;
    user.connection!.resumeReading();
    await server.turn();
    expect([user.body.length, user.calls.at(-1), user.body.includes("y")]).toEqual([size, "end", false]);
  });

  it("hands large pieces on as they lie, and takes the buffer away from the connection", async () => {
    const { server, user, stream } = await asked();
    const pieces: Buffer[] = [];
    user.onResponseData = (buffer, from, to) => {
      pieces.push(buffer.subarray(from, to));
      user.connection!.replaceBuffer();
      return true;
    };
    stream.head(200).data("a".repeat(10_000)).data("b");
    await server.turn();
    stream.data("c".repeat(10_000), true);
    await server.turn();
    // The fixture overwrites what nobody may rely on.
    expect(Buffer.concat(pieces).toString("latin1")).toBe(`${"a".repeat(10_000)}b${"c".repeat(10_000)}`);
  });

  it.each<[string, (stream: ServedStream) => unknown, string]>([
    [
      "a body that is too short",
      (stream) => stream.head(200, "content-length: 3\r\n").data("ab", true),
      "bad_response",
    ],
    ["a body that is too long", (stream) => stream.head(200, "content-length: 1\r\n").data("ab"), "bad_response"],
    ["two heads", (stream) => stream.head(200).head(200, "", true), "bad_response"],
  ])("refuses %s", async (_, act, code) => {
    const { server, user, stream, connections } = await asked();
    act(stream);
    await server.turn();
    expect([user.calls, connections.inUse]).toEqual([[expect.stringContaining(`failure ${code}`)], 0]);
  });

  it("cuts an answer off whose body has another length than it said", async () => {
    const { server, user, stream } = await asked();
    stream.head(200, "content-length: 3\r\n").data("a");
    await server.turn();
    stream.data("b", true);
    await server.turn();
    expect(user.calls).toEqual(["head 200 1 true", "failure response_truncated"]);
  });

  it("waits so long for the head, and for more of the body", async () => {
    const { context, user, stream, server } = await asked({ responseTimeout: "5s" });
    context.advance(5100);
    await server.turn();
    expect([user.calls, stream.resetBy]).toEqual([["failure response_timeout"], ErrorCode.cancel]);
    forgetOpened();
    const begun = await asked();
    begun.stream.head(200);
    await begun.server.turn();
    begun.context.advance(3100);
    await begun.server.turn();
    expect([begun.user.calls.at(-1), begun.stream.resetBy]).toEqual([
      "failure response_body_timeout",
      ErrorCode.cancel,
    ]);
  });
});

describe("HTTP/2 to a server: requests", () => {
  it("sends bodies and trailers, and waits for a server that does not take them", async () => {
    const { connections } = bench();
    const [user] = asking(connections, 1);
    const server = await serve();
    const channel = user.connection!;
    channel.sendHead(POST, true);
    channel.sendBody(Buffer.from("ab"));
    await server.turn();
    expect([channel.waitsForBody, channel.incomplete, channel.unsent]).toEqual([true, true, 0]);
    channel.sendBody(Buffer.from("cd"));
    channel.requestSent("x-sum: 1\r\n");
    await server.turn();
    const [stream] = server.streams;
    expect([stream.fields.at(-1), stream.body, stream.ended]).toEqual(["x-sum: 1", "abcd", true]);
    forgetOpened();
    const slow = bench();
    const [uploader] = asking(slow.connections, 1);
    const stalled = await serve();
    uploader.connection!.sendHead(POST, true);
    uploader.connection!.sendBody(Buffer.from("x"));
    await stalled.turn();
    stalled.streams[0].reads = false;
    uploader.connection!.sendBody(Buffer.alloc(200_000));
    await stalled.turn();
    expect([uploader.connection!.needsDrain, uploader.calls]).toEqual([true, ["connection"]]);
    stalled.streams[0].reads = true;
    stalled.streams[0].stream.consumed(65_535);
    await stalled.turn();
    expect(uploader.calls).toEqual(["connection", "drain"]);
  });

  it("sends the head by itself when the body is long in coming", async () => {
    const { connections } = bench();
    const [user] = asking(connections, 1);
    const server = await serve();
    user.connection!.sendHead(POST, true);
    user.connection!.uncork();
    await server.turn();
    expect([server.streams.length, server.streams[0].ended]).toEqual([1, false]);
  });

  it("gives one up alone, by CANCEL", async () => {
    const { connections, server, user, stream } = await asked();
    const other = await more(connections, server);
    user.connection!.destroy();
    await server.turn();
    other.stream.head(204, "", true);
    await server.turn();
    expect([stream.resetBy, user.calls, other.user.calls.at(-1)]).toEqual([ErrorCode.cancel, [], "end"]);
    expect([connections.size, opened[0].destroyed]).toEqual([1, false]);
  });

  it("takes an early answer for complete, and sends no more of the body", async () => {
    const { connections } = bench();
    const [user] = asking(connections, 1);
    const server = await serve();
    user.connection!.sendHead(POST, true);
    user.connection!.sendBody(Buffer.from("ab"));
    await server.turn();
    const [stream] = server.streams;
    stream.head(413, "content-length: 0\r\n", true);
    stream.stream.reset(ErrorCode.noError);
    await server.turn();
    expect([user.calls.slice(1), connections.inUse, connections.size]).toEqual([["whole 413 ", "end"], 0, 1]);
  });

  it.each([
    ["refused", ErrorCode.refusedStream, "refused_stream"],
    ["reset", ErrorCode.internalError, "connection_lost"],
  ])("tells one that was %s from the others, and from one whose answer had begun", async (_, code, error) => {
    const { connections, server, user, stream } = await asked();
    const other = await more(connections, server);
    stream.stream.reset(code);
    other.stream.head(200).data("a");
    await server.turn();
    other.stream.stream.reset(code);
    await server.turn();
    expect(user.calls[0]).toMatch(new RegExp(`^failure ${error}`));
    expect([other.user.calls.at(-1), connections.size]).toEqual(["failure response_truncated", 1]);
  });

  it("finishes what the server still works on after GOAWAY, and sends the rest elsewhere", async () => {
    const { connections, server, user, stream } = await asked();
    const late = await more(connections, server);
    late.user.calls.length = 0;
    // As a server does that has not looked at the second one.
    opened[0].receive(Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]));
    expect([late.user.calls, user.calls]).toEqual([["failure refused_stream reused"], []]);
    const [next] = asking(connections, 1);
    expect([opened.length, next.calls]).toEqual([2, []]);
    stream.head(204, "", true);
    await server.turn();
    expect([user.calls, opened[0].ended]).toEqual([["whole 204 ", "end"], true]);
    await serve(1);
    expect([next.calls, connections.size]).toEqual([["connection"], 1]);
  });

  it("fails with its connection, and says whether that had been used before", async () => {
    const { connections, server, user, stream } = await asked();
    const begun = await more(connections, server);
    begun.stream.head(200).data("a");
    await server.turn();
    opened[0].peerEnd();
    expect([user.calls, begun.user.calls.at(-1)]).toEqual([["failure connection_lost"], "failure response_truncated"]);
    expect([stream.resetBy, connections.size]).toEqual([null, 0]);
    forgetOpened();
    const used = await asked();
    used.stream.head(204, "", true);
    await used.server.turn();
    const second = await more(used.connections, used.server);
    opened[0].reset();
    expect(second.user.calls.at(-1)).toBe("failure connection_lost reused");
  });

  it("counts those without an answer, and asks them to go", async () => {
    const { connections, context, server, user } = await asked();
    context.advance(1000);
    const before = context.now;
    context.advance(50);
    const young = await more(connections, server);
    expect([connections.unanswered(before, 0), connections.unanswered(Infinity, 0)]).toEqual([1, 2]);
    connections.moveUnanswered(errors.serverSilent, before);
    expect([user.calls, young.user.calls]).toEqual([["suspect server_silent"], ["connection"]]);
  });
});

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
