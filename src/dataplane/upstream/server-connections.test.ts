import { beforeEach, describe, expect, it, vi } from "vitest";
import { errors } from "../../core/errors.ts";
import { Scoreboard } from "../../shared-memory/scoreboard.ts";
import { forgetOpened, opened, settled } from "../socket.fixture.ts";
import { testWorker } from "../worker.fixture.ts";
import { ServerConnections } from "./server-connections.ts";
import { FakeUser, poolConfig } from "./upstream-user.fixture.ts";

vi.mock("../connect.ts", () => import("../connect.fixture.ts"));
beforeEach(forgetOpened);

function bench(upstream: object = {}, context = testWorker()) {
  const config = poolConfig({ servers: ["127.0.0.1:1"], upstream }).upstream;
  const connections = new ServerConnections({ host: "127.0.0.1", port: 1 }, 0, config, context);
  return { connections, context };
}

/** A user that has got a new connection. */
function served(connections: ServerConnections): FakeUser {
  const user = new FakeUser();
  connections.acquire(user, false);
  opened.at(-1)!.connected();
  return user;
}

const done = "HTTP/1.1 204 No Content\r\n\r\n";

/** Ends the request of the user whose connection was opened as that one. */
function answer(user: FakeUser, index: number): void {
  user.send();
  opened[index].receive(done);
}

describe("ServerConnections", () => {
  it("gives the connection that was used last, and a fresh one if asked to", () => {
    const { connections } = bench();
    const [first, second] = [served(connections), served(connections)];
    answer(first, 0);
    answer(second, 1);
    const [third, fourth] = [new FakeUser(), new FakeUser()];
    connections.acquire(third, false);
    connections.acquire(fourth, true);
    expect(third.connection).toBe(second.connection);
    expect(third.calls).toEqual(["connection"]);
    expect([fourth.calls, opened.length, connections.size]).toEqual([["connection to come"], 3, 3]);
  });

  it("lets wait at the limit, in order, and gives the place of one that is gone to the next", async () => {
    const { connections, context } = bench({ maxConnections: 1 });
    const first = served(connections);
    const [second, third, fourth] = [new FakeUser(), new FakeUser(), new FakeUser()];
    for (const user of [second, third, fourth]) connections.acquire(user, false);
    connections.cancel(third);
    answer(first, 0);
    expect([second.calls, third.calls, fourth.calls]).toEqual([["connection"], [], []]);
    opened[0].reset();
    await settled();
    expect([fourth.calls, opened.length]).toEqual([["connection to come"], 2]);
    expect(context.scoreboard.connections(0)).toBe(1);
  });

  it("has a bounded queue", () => {
    const { connections } = bench({ maxConnections: 1 });
    served(connections);
    const users = Array.from({ length: 1025 }, () => new FakeUser());
    for (const user of users) connections.acquire(user, false);
    expect(users.filter((user) => user.calls.length > 0)).toEqual([users[1024]]);
    expect(users[1024].calls).toEqual(["none: overloaded"]);
  });

  it("gives an idle connection up when another worker waits for one", async () => {
    const { handle } = Scoreboard.create({ servers: 4, workers: 2 });
    const ours = bench({ maxConnections: 1 }, testWorker({ scoreboard: Scoreboard.attach(handle, 0) }));
    const theirs = bench({ maxConnections: 1 }, testWorker({ scoreboard: Scoreboard.attach(handle, 1) }));
    answer(served(ours.connections), 0);
    const waiting = new FakeUser();
    theirs.connections.acquire(waiting, false);
    expect(waiting.calls).toEqual([]);
    ours.connections.tick(true);
    theirs.connections.tick(true);
    await settled();
    expect([waiting.calls, ours.connections.size, theirs.connections.size]).toEqual([["connection to come"], 0, 1]);
  });

  it("keeps surplus connections for a moment only", () => {
    const { connections, context } = bench({ maxIdle: 1, idleTimeout: "60s" });
    const users = [served(connections), served(connections), served(connections)];
    users.forEach(answer);
    expect(connections.size).toBe(3);
    context.advance(2100);
    expect(connections.size).toBe(1);
    context.advance(60_000);
    expect([connections.size, context.scoreboard.connections(0)]).toEqual([0, 0]);
  });

  it("opens connections ahead of need, up to its limit", () => {
    const { connections, context } = bench({ prewarm: 3, maxConnections: 2 });
    connections.prewarm();
    for (const socket of opened) socket.connected();
    expect([opened.length, connections.size, context.scoreboard.connections(0)]).toEqual([2, 2, 2]);
    const user = new FakeUser();
    connections.acquire(user, false);
    expect([user.calls, opened.length]).toEqual([["connection"], 2]);
  });

  it("closes what is idle when its server is removed, and the rest when it is done", async () => {
    const { connections } = bench();
    const [idle, busy] = [served(connections), served(connections)];
    answer(idle, 0);
    connections.retire();
    expect([opened[0].destroyed, opened[1].destroyed]).toEqual([true, false]);
    answer(busy, 1);
    await settled();
    expect([busy.calls.at(-1), opened[1].destroyed, connections.size]).toEqual(["end", true, 0]);
  });

  it("cuts everything when it is destroyed, with the reason, and leaves nobody waiting", async () => {
    const { connections, context } = bench({ maxConnections: 1 });
    const busy = served(connections);
    const waiting = new FakeUser();
    connections.acquire(waiting, false);
    connections.destroy(errors.serverRemoved);
    await settled();
    expect(busy.calls.at(-1)).toBe("failure server_removed");
    expect(waiting.calls).toEqual(["none: no_server"]);
    expect([connections.size, context.scoreboard.connections(0)]).toEqual([0, 0]);
  });

  it("ends what it has when the server's time is over, and tells who had sent nothing from who had", async () => {
    const { connections } = bench({ maxConnections: 2 });
    const [busy, connecting, waiting] = [served(connections), new FakeUser(), new FakeUser()];
    busy.send();
    connections.acquire(connecting, false);
    connections.acquire(waiting, false);
    connections.end();
    await settled();
    expect([busy, connecting, waiting].map(({ calls }) => calls.at(-1))).toEqual([
      "failure server_removed",
      "failure server_gone",
      "none: server_gone",
    ]);
    expect(connections.size).toBe(0);
  });

  it("leaves it to a tunnel how it ends", () => {
    const { connections } = bench();
    const user = new FakeUser();
    user.wantsUpgrade = true;
    connections.acquire(user, false);
    opened[0].connected();
    user.send();
    opened[0].receive("HTTP/1.1 101 Yes\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n");
    connections.end();
    expect([user.calls.at(-1), opened[0].destroyed]).toEqual(["closing", false]);
  });

  it("ends everything once for each time that somebody has the server's connections killed", async () => {
    const { connections, context } = bench();
    const { health } = context.scoreboard;
    const first = served(connections);
    first.send();
    connections.followKills();
    expect(first.calls).not.toContain("failure server_removed");
    health.kill(0);
    connections.followKills();
    expect(first.calls.at(-1)).toBe("failure server_removed");
    const second = served(connections);
    second.send();
    connections.followKills();
    expect(second.calls).not.toContain("failure server_removed");
    health.kill(1);
    connections.followKills();
    expect(opened[1].destroyed).toBe(false);
    // A worker that begins afterwards has nothing to kill.
    const later = bench({}, context);
    const third = served(later.connections);
    later.connections.followKills();
    expect(third.calls).toEqual(["connection to come", "connected"]);
    await settled();
  });

  it("asks those to go who were left without a byte, and those who wait for a connection first", () => {
    const { connections, context } = bench({ maxConnections: 3 });
    const old = served(connections);
    old.send();
    const answered = served(connections);
    answered.send();
    opened[1].receive("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
    context.advance(1000);
    const before = context.now;
    context.advance(50);
    const young = served(connections);
    young.send();
    const order: string[] = [];
    const waiting = new FakeUser();
    connections.acquire(waiting, false);
    old.onServerSuspect = (error) => order.push(`old ${error.code}`) > 0;
    waiting.onServerSuspect = (error) => {
      connections.cancel(waiting);
      return order.push(`waiting ${error.code}`) > 0;
    };
    connections.moveUnanswered(errors.serverSilent, before);
    expect(order).toEqual(["waiting connect_timeout", "old server_silent"]);
    expect([answered.calls, young.calls].map((calls) => calls.some((call) => call.startsWith("suspect")))).toEqual([
      false,
      false,
    ]);
  });

  it("keeps the place of who waits when another worker takes the connection that became free", async () => {
    const { connections, context } = bench({ maxConnections: 1 });
    served(connections);
    const [second, third] = [new FakeUser(), new FakeUser()];
    for (const user of [second, third]) connections.acquire(user, false);
    const { tryOpen } = context.scoreboard;
    context.scoreboard.tryOpen = () => false;
    opened[0].reset();
    await settled();
    context.scoreboard.tryOpen = tryOpen;
    connections.tick(true);
    expect([second.calls, third.calls]).toEqual([["connection to come"], []]);
  });

  it("says why answers were refused, once a second", () => {
    const { connections, context } = bench();
    for (let i = 0; i < 3; i++) connections.refused("a reason");
    context.advance(1000);
    connections.refused("another");
    expect(context.logs).toEqual([
      "warn server 127.0.0.1:1: bad response: a reason",
      "warn server 127.0.0.1:1: bad response: another",
    ]);
  });
});
