import { beforeEach, describe, expect, it, vi } from "vitest";
import { serverTotals } from "../../shared-memory/totals.ts";
import { forgetOpened, opened, settled } from "../socket.fixture.ts";
import { testWorker } from "../worker.fixture.ts";
import { UpstreamConnection } from "./upstream-connection.ts";
import { FakeUser, poolConfig } from "./upstream-user.fixture.ts";
import type { ConnectionHome } from "./upstream-user.ts";

vi.mock("../connect.ts", () => import("../connect.fixture.ts"));
beforeEach(forgetOpened);

/** A connection with a home that takes down what becomes of it. */
function bench(upstream: object = {}) {
  const context = testWorker();
  const events: string[] = [];
  const home: ConnectionHome<UpstreamConnection> = {
    address: { host: "127.0.0.1", port: 1 },
    tls: null,
    slot: 0,
    size: 1,
    config: poolConfig({ servers: ["127.0.0.1:1"], upstream }).upstream,
    context,
    heardAt: 0,
    release: () => void events.push("release"),
    reached: () => undefined,
    unreachable: () => undefined,
    refused: (reason) => void events.push(`refused ${reason}`),
    closed: () => void events.push("closed"),
  };
  const connection = new UpstreamConnection(home);
  connection.connect();
  const user = new FakeUser();
  user.connection = connection;
  connection.use(user);
  return { context, events, connection, user, socket: opened.at(-1)! };
}

/** The same, connected and with a request sent. */
function asked(upstream: object = {}) {
  const result = bench(upstream);
  result.socket.connected();
  result.user.send();
  result.user.calls.length = 0;
  return result;
}

describe("UpstreamConnection: answers", () => {
  it("gives a short answer as a whole and the connection back first", () => {
    const { socket, user, events } = asked();
    socket.receive("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    expect([user.calls, events]).toEqual([["whole 200 ok", "end"], ["release"]]);
  });

  it("gives a chunked answer with its framing to those who take it, and without to the others", () => {
    for (const takesChunks of [true, false]) {
      const { socket, user } = asked();
      user.takesChunks = takesChunks;
      socket.receive("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
      if (takesChunks) expect(user.calls).toEqual(["whole 200 2\r\nok\r\n0\r\n\r\n", "end"]);
      else expect([user.calls, user.body]).toEqual([["head 200 2 true", "end"], "ok"]);
    }
  });

  it("reads a head in any pieces, while other connections read theirs", () => {
    const [one, other] = [asked(), asked()];
    const text = "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nok";
    for (const byte of text.slice(0, -2)) {
      one.socket.receive(byte);
      other.socket.receive(byte);
    }
    one.socket.receive("ok");
    expect([one.user.calls, one.user.body]).toEqual([["head 200 1 false", "end"], "ok"]);
    expect([other.user.calls, other.user.body]).toEqual([["head 200 1 false"], ""]);
  });

  it("reads interim answers, up to 16", () => {
    const early = "HTTP/1.1 103 Early Hints\r\n\r\n";
    const { socket, user } = asked();
    socket.receive(`${early.repeat(16)}HTTP/1.1 204 No Content\r\n\r\n`);
    expect(user.calls).toEqual([...Array.from({ length: 16 }, () => "informational 103"), "whole 204 ", "end"]);
    const other = asked();
    other.socket.receive(early.repeat(17));
    expect(other.user.calls.at(-1)).toBe("failure bad_response");
  });

  it.each([
    ["bytes behind the answer", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab"],
    ["Connection: close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"],
    ["HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"],
  ])("is not used again after %s", (_, text) => {
    const { socket, user, events } = asked();
    socket.receive(text);
    expect([user.calls.at(-1), events, socket.destroyed]).toEqual(["end", ["closed"], true]);
  });

  it("is not used again when the request was not sent completely, nor beyond its number of requests", () => {
    const early = bench();
    early.socket.connected();
    early.connection.sendHead("POST / HTTP/1.1\r\n\r\n", false);
    early.socket.receive("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n");
    expect(early.events).toEqual(["closed"]);
    const last = asked({ maxRequestsPerConnection: 1 });
    last.socket.receive("HTTP/1.1 204 No Content\r\n\r\n");
    expect(last.events).toEqual(["closed"]);
  });

  it("ends a body without length with the connection, and no other one", () => {
    const open = asked();
    open.socket.receive("HTTP/1.1 200 OK\r\n\r\nabc");
    open.socket.peerEnd();
    expect([open.user.calls, open.user.body, open.events]).toEqual([["head 200 3 true", "end"], "abc", ["closed"]]);
    const cut = asked();
    cut.socket.receive("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc");
    cut.socket.peerEnd();
    expect(cut.user.calls).toEqual(["head 200 1 true", "failure response_truncated"]);
    const reset = asked();
    reset.socket.receive("HTTP/1.1 200 OK\r\n\r\nabc");
    reset.socket.reset();
    expect(reset.user.calls.at(-1)).toBe("failure response_truncated");
  });

  it("pauses with its user, and the pause does not count as the server's", () => {
    const { socket, user, connection, context } = asked();
    user.goOn = false;
    socket.receive("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    expect(socket.reading).toBe(false);
    context.advance(60_000);
    expect(user.calls).toEqual(["head 200 1 true"]);
    user.goOn = true;
    connection.resumeReading();
    context.advance(2900);
    socket.receive("d");
    context.advance(3100);
    expect([user.body, user.calls.at(-1)]).toEqual(["abcd", "failure response_body_timeout"]);
  });
});

describe("UpstreamConnection: failures", () => {
  it("tells a connection that cannot be made from one that takes too long", () => {
    const refused = bench();
    refused.socket.reset();
    expect([refused.user.calls, refused.events]).toEqual([["failure connect_failed"], ["closed"]]);
    const slow = bench({ connectTimeout: "1s" });
    slow.context.advance(1100);
    expect(slow.user.calls).toEqual(["failure connect_timeout"]);
    for (const { context } of [refused, slow])
      expect(serverTotals(context.scoreboard.handle, 0).connectFailures).toBe(1);
    // What comes late changes nothing.
    slow.socket.connected();
    expect([slow.user.calls.length, slow.events]).toEqual([1, ["closed"]]);
  });

  it("waits so long for an answer, from the last piece of the request on", () => {
    const { context, user, connection } = asked({ responseTimeout: "5s" });
    context.advance(4900);
    connection.sendBody(Buffer.from("more"));
    context.advance(4900);
    expect(user.calls).toEqual([]);
    context.advance(200);
    expect(user.calls).toEqual(["failure response_timeout"]);
  });

  it("says whether it was used before, and whether part of an answer came", () => {
    const { socket, user, connection } = asked();
    socket.receive("HTTP/1.1 204 No Content\r\n\r\n");
    connection.use(user);
    user.send();
    socket.peerEnd();
    expect(user.calls.at(-1)).toBe("failure connection_lost reused");
    const part = asked();
    part.socket.receive("HTTP/1.1 2");
    part.socket.peerEnd();
    expect(part.user.calls).toEqual(["failure bad_response"]);
    expect(part.events[0]).toMatch(/^refused /);
  });

  it("is closed by bytes that nobody asked for, by its end or by time while it is idle", async () => {
    for (const what of ["bytes", "end", "time", "reset"]) {
      const { socket, events, context, user } = asked({ idleTimeout: "4s" });
      socket.receive("HTTP/1.1 204 No Content\r\n\r\n");
      if (what === "bytes") socket.receive("HTTP/1.1 200 OK\r\n\r\n");
      else if (what === "end") socket.peerEnd();
      else if (what === "reset") socket.reset();
      else context.advance(4100);
      await settled();
      expect([what, events, user.calls]).toEqual([what, ["release", "closed"], ["whole 204 ", "end"]]);
    }
  });

  it("tells its user of an abort but not of being destroyed, and only once", async () => {
    const [aborted, destroyed] = [asked(), asked()];
    aborted.connection.abort({ code: "server_removed" } as never);
    destroyed.connection.destroy();
    await settled();
    aborted.connection.abort({ code: "again" } as never);
    expect([aborted.user.calls, destroyed.user.calls]).toEqual([["failure server_removed"], []]);
    expect([aborted.events, destroyed.events]).toEqual([["closed"], ["closed"]]);
  });

  it("counts its bytes", () => {
    const { socket, context } = asked();
    const text = "HTTP/1.1 204 No Content\r\n\r\n";
    socket.receive(text);
    expect(serverTotals(context.scoreboard.handle, 0)).toMatchObject({
      bytesIn: text.length,
      bytesOut: "GET / HTTP/1.1\r\n\r\n".length,
    });
  });
});

describe("UpstreamConnection: tunnels", () => {
  it("open when they were asked for, and have no deadline of their own", () => {
    const switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
    const { socket, user, context } = asked();
    user.wantsUpgrade = true;
    socket.receive(`${switched}early`);
    context.advance(500_000);
    socket.receive("data");
    socket.peerEnd();
    expect([user.calls, user.body]).toEqual([["upgraded early", "tunnel end"], "data"]);
    const other = asked();
    other.socket.receive(switched);
    expect(other.user.calls).toEqual(["failure unexpected_upgrade"]);
  });
});
