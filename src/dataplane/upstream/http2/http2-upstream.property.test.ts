import fc from "fast-check";
import { expect, it, vi } from "vitest";
import { errors } from "../../../core/errors.ts";
import { ErrorCode } from "../../../http2/error-code.ts";
import { forgetOpened, opened } from "../../socket.fixture.ts";
import { FakeUser } from "../upstream-user.fixture.ts";
import { bench, GET, POST } from "./http2-bench.fixture.ts";
import { FakeHttp2Server } from "./http2-server.fixture.ts";

vi.mock("../../connect.ts", () => import("../../connect.fixture.ts"));

/** What happens next; the number says to which one. */
const step = fc.record({
  what: fc.constantFrom(
    ...(["ask", "ask", "ask", "answer", "answer", "begin", "refuse", "reset", "goAway", "cut"] as const),
    ...(["give up", "cancel", "connect", "refuse connection", "time", "end", "tick"] as const),
  ),
  which: fc.nat(1000),
});

/** How a request may end: by an answer, a failure or a refusal. */
const isLast = (call: string) => call === "end" || call.startsWith("failure ") || call.startsWith("none: ");

function pick<T>(list: readonly T[], which: number): T | undefined {
  return list[which % Math.max(1, list.length)];
}

/** One run: everything that the steps say, then the end of all. */
async function run(steps: readonly { what: string; which: number }[]): Promise<void> {
  forgetOpened();
  const { connections, context } = bench({ maxStreams: 3, maxConnections: 3, connectTimeout: "2s" });
  const users: FakeUser[] = [];
  const gone = new Set<FakeUser>();
  const servers = new Map<number, FakeHttp2Server>();
  const turn = async () => {
    for (const user of users) {
      if (user.sentAt !== 0 || user.connection?.connected !== true || user.calls.some(isLast) || gone.has(user))
        continue;
      user.sentAt = context.now;
      if (users.indexOf(user) % 3 !== 0) user.send(GET);
      else {
        // Without its end, for now.
        user.connection.sendHead(POST, true);
        user.connection.sendBody(Buffer.from("body"));
      }
    }
    for (const server of servers.values()) await server.turn();
  };
  const served = () =>
    [...servers.values()].flatMap(({ streams }) => streams).filter(({ stream }) => !stream.sendingEnded);
  for (const { what, which } of steps) {
    if (what === "ask") {
      const user = new FakeUser();
      users.push(user);
      connections.acquire(user, false);
    } else if (what === "connect") {
      const index = opened.findIndex((socket, at) => !servers.has(at) && !socket.destroyed);
      if (index >= 0) {
        opened[index].connected();
        servers.set(index, new FakeHttp2Server(opened[index], { maxStreams: 1 + (which % 4) }));
      }
    } else if (what === "refuse connection")
      opened.find((socket, at) => !servers.has(at) && !socket.destroyed)?.reset();
    else if (what === "answer") pick(served(), which)?.head(200, "content-length: 2\r\n").data("ok", true);
    else if (what === "begin") pick(served(), which)?.head(200);
    else if (what === "refuse") pick(served(), which)?.stream.reset(ErrorCode.refusedStream);
    else if (what === "reset") pick(served(), which)?.stream.reset(ErrorCode.internalError);
    else if (what === "goAway") pick([...servers.values()], which)?.codec.goAway();
    else if (what === "cut") pick(opened, which)?.reset();
    else if (what === "tick") connections.tick(which % 2 === 0);
    else if (what === "time") context.advance(which * 3);
    else if (what === "end") connections.end();
    else {
      const user = pick(users, which);
      if (user !== undefined && !user.calls.some(isLast) && !gone.has(user)) {
        if (user.connection === null) connections.cancel(user);
        else user.connection.destroy();
        gone.add(user);
      }
    }
    await turn();
    expect(connections.size).toBe(context.scoreboard.connections(0));
    expect(connections.size).toBeLessThanOrEqual(3);
    for (const server of servers.values()) expect(server.problem).toBe("");
  }
  connections.destroy(errors.shuttingDown);
  await turn();
  expect([connections.size, connections.inUse, context.scoreboard.connections(0)]).toEqual([0, 0, 0]);
  for (const user of users) {
    const last = user.calls.filter(isLast);
    expect([last.length, user.calls]).toEqual([gone.has(user) ? 0 : 1, user.calls]);
    // Nothing comes behind the end.
    if (!gone.has(user)) expect(isLast(user.calls.at(-1)!)).toBe(true);
  }
}

it("ends every request exactly once, and counts its connections, whatever servers and clients do", async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80, size: "max" }), run), {
    numRuns: 300,
  });
}, 60_000);
