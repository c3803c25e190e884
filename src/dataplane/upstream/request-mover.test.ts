import { beforeEach, describe, expect, it, vi } from "vitest";
import { PassiveReason } from "../../shared-memory/health-board.ts";
import { HealthFlag } from "../../shared-memory/health-flags.ts";
import { forgetOpened, opened } from "../socket.fixture.ts";
import { testWorker } from "../worker.fixture.ts";
import { RequestMover } from "./request-mover.ts";
import { UpstreamServer } from "./upstream-server.ts";
import { FakeUser, poolConfig } from "./upstream-user.fixture.ts";

vi.mock("../connect.ts", () => import("../connect.fixture.ts"));
beforeEach(forgetOpened);

const { unreachable, unhealthy, ejected, forcedDown, draining } = HealthFlag;

/** A server with one request that was sent at the beginning, and the mover of its pool. */
function bench(upstream: object = {}) {
  const context = testWorker();
  const config = poolConfig({ servers: ["127.0.0.1:1", "127.0.0.1:2"], upstream });
  const servers = config.servers.map(
    (server, index) => new UpstreamServer(server, index + 3, config.upstream, context, undefined),
  );
  const mover = new RequestMover(servers, context);
  const user = new FakeUser();
  servers[0].connections.acquire(user, false);
  opened[0].connected();
  user.send();
  const { health } = context.scoreboard;
  const say = (flags: number, reason: PassiveReason = PassiveReason.none) => {
    health.setReason(3, reason);
    health.set(3, flags, context.now);
  };
  /** After so many ms the request was first asked to go; -1 for not within 5 s. */
  const askedAfter = () => {
    for (let waited = 50; waited <= 5000; waited += 50) {
      context.advance(50);
      mover.tick();
      if (user.calls.some((call) => call.startsWith("suspect"))) return waited;
    }
    return -1;
  };
  return { context, mover, user, servers, say, askedAfter };
}

describe("RequestMover", () => {
  it.each([
    ["that is silent", ejected, PassiveReason.silence, 100],
    ["that no connection reaches any more", unreachable, PassiveReason.connectTimeout, 100],
    ["whose network says that it is gone", unreachable, PassiveReason.unreachable, 100],
    ["that refuses connections, but may finish what it has", unreachable, PassiveReason.refused, 1000],
    ["whose checks fail, though it may be at work", unhealthy, PassiveReason.none, 1000],
    ["that is silent and whose checks fail", ejected | unhealthy, PassiveReason.silence, 100],
    ["that was ejected for its errors, which says that it is alive", ejected, PassiveReason.consecutiveErrors, -1],
    ["that was ejected for being slow", ejected, PassiveReason.latency, -1],
    ["that an operator took out", forcedDown | draining, PassiveReason.none, -1],
    ["of which nothing bad is known", 0, PassiveReason.silence, -1],
  ])("has patience with a server %s: flags %i, reason %i: %i ms", (_, flags, reason, patience) => {
    const { say, askedAfter } = bench();
    say(flags, reason);
    const waited = askedAfter();
    if (patience < 0) expect(waited).toBe(-1);
    else {
      // By the worker's ticks: one late at most.
      expect(waited).toBeGreaterThanOrEqual(patience);
      expect(waited).toBeLessThanOrEqual(patience + 100);
    }
  });

  it("says why: no connection in time while there is none, silence afterwards", () => {
    const { context, mover, user, servers, say } = bench();
    const connecting = new FakeUser();
    servers[0].connections.acquire(connecting, false);
    say(unreachable, PassiveReason.connectTimeout);
    context.advance(200);
    mover.tick();
    expect([user.calls.at(-1), connecting.calls.at(-1)]).toEqual(["suspect server_silent", "suspect connect_timeout"]);
  });

  it("lets a server that says something keep its requests, also if it says it to others", () => {
    const { context, mover, user, servers, say } = bench();
    const other = new FakeUser();
    servers[0].connections.acquire(other, false);
    opened[1].connected();
    other.send();
    say(ejected, PassiveReason.silence);
    for (let i = 0; i < 20; i++) {
      context.advance(50);
      opened[1].receive(i === 0 ? "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" : "x");
      mover.tick();
    }
    expect(user.calls).toEqual(["connection to come", "connected"]);
  });

  it("knows which servers have something to do, and how much of it waits", () => {
    const { context, mover, servers } = bench();
    const before = context.now + 1;
    context.advance(500);
    const idle = new FakeUser();
    servers[1].connections.acquire(idle, false);
    opened[1].connected();
    expect([...mover.slots()]).toEqual([3, 4]);
    expect([mover.unanswered(3, before, 0), mover.unanswered(4, before, 0), mover.unanswered(9, before, 0)]).toEqual([
      1, 0, 0,
    ]);
    expect(mover.heardAt(3)).toBe(0);
    opened[0].receive("HTTP/1.1 204 X\r\n\r\n");
    expect([mover.heardAt(3), mover.heardAt(9)]).toEqual([context.now, 0]);
    expect([...mover.slots()]).toEqual([4]);
  });
});
