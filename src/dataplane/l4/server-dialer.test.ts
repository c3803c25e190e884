import { beforeEach, describe, expect, it, vi } from "vitest";
import { HealthFlag } from "../../shared-memory/health-flags.ts";
import { forgetOpened, opened, openedTo, settled } from "../socket.fixture.ts";
import { helloFor, TestPassthrough } from "./passthrough.fixture.ts";

vi.mock("../connect.ts", () => import("../connect.fixture.ts"));

beforeEach(forgetOpened);

const two = ["127.0.0.1:1", "127.0.0.1:2"];
/** The alert internal_error. */
const INTERNAL = Buffer.of(21, 3, 3, 0, 2, 2, 80).toString("latin1");

function refused(): Error {
  return Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
}

describe("servers of clients that are passed on", () => {
  it("get the hello of a client whose first server cannot be reached", async () => {
    const proxy = new TestPassthrough(two);
    const { client } = proxy.connect();
    client.receive(helloFor("a.test"));
    opened[0]!.reset(refused());
    expect(openedTo.toSorted()).toEqual(two);
    opened[1]!.connected();
    await settled();
    expect(opened[1]!.sent).toBe(helloFor("a.test").toString("latin1"));
    const failed = two.indexOf(openedTo[0]!);
    expect(proxy.server(failed)).toMatchObject({ inFlight: 0, connections: 0, connectFailures: 1, errors: 1 });
    expect(proxy.server(1 - failed)).toMatchObject({ inFlight: 1, connections: 1, retries: 1 });
    // A refused connection takes the server out at once.
    expect(proxy.context.scoreboard.health.flags(proxy.slots[failed]!) & HealthFlag.unreachable).not.toBe(0);
    for (let i = 0; i < 4; i++) proxy.connect().client.receive(helloFor("a.test"));
    expect(new Set(openedTo.slice(1)).size).toBe(1);
  });

  it("are given up after connectTimeout, and as many as `retries` says are asked", async () => {
    const proxy = new TestPassthrough([...two, "127.0.0.1:3"], {
      upstream: { connectTimeout: "1s" },
      retries: { attempts: 1 },
    });
    const { client } = proxy.connect();
    client.receive(helloFor("a.test"));
    proxy.tick(1100);
    expect([opened.length, opened[0]!.destroyed]).toEqual([2, true]);
    proxy.tick(1100);
    expect([opened.length, client.sent]).toEqual([2, INTERNAL]);
    await settled();
    for (const index of [0, 1, 2]) expect(proxy.server(index)).toMatchObject({ inFlight: 0, connections: 0 });
  });

  it("are not asked again when retries are off", () => {
    const proxy = new TestPassthrough(two, { retries: { attempts: 0 } });
    const { client } = proxy.connect();
    client.receive(helloFor("a.test"));
    opened[0]!.reset(refused());
    expect([opened.length, client.sent]).toEqual([1, INTERNAL]);
  });

  it("get connections by how many they have", async () => {
    const proxy = new TestPassthrough(two, { algorithm: "least_connections" });
    const first = await proxy.relayed();
    await proxy.relayed();
    expect(openedTo.toSorted()).toEqual(two);
    // The first one's server has none any more, so the next two go there and to the other one, in this order.
    first.client.peerEnd();
    first.upstream.peerEnd();
    await settled();
    await proxy.relayed();
    expect(openedTo[2]).toBe(openedTo[0]);
  });

  it("stay the same for a name with a hash of it", async () => {
    const proxy = new TestPassthrough(two, { algorithm: { name: "consistent_hash", key: "host" } });
    const names = Array.from({ length: 30 }, (_, index) => `n${index}.test`);
    for (const name of [...names, ...names]) await proxy.relayed(name);
    expect(openedTo.slice(30)).toEqual(openedTo.slice(0, 30));
    expect(new Set(openedTo).size).toBe(2);
  });

  it.each([
    ["maxConnections of the server", [{ address: "127.0.0.1:1", maxConnections: 1 }], {}],
    ["upstream.maxConnections", ["127.0.0.1:1"], { upstream: { maxConnections: 1 } }],
  ])("are waited for at %s", async (_, servers, pool) => {
    const proxy = new TestPassthrough(servers, { queue: { limit: 2, timeout: "1s" }, ...pool });
    const first = await proxy.relayed();
    const [second, third, fourth] = [proxy.connect().client, proxy.connect().client, proxy.connect().client];
    for (const client of [second, third, fourth]) client.receive(helloFor("a.test"));
    expect([opened.length, fourth.sent]).toEqual([1, INTERNAL]);
    first.client.peerEnd();
    first.upstream.peerEnd();
    await settled();
    // The place is the second one's; the third one waits until its time is over.
    expect(opened.length).toBe(2);
    opened[1]!.connected();
    await settled();
    expect(opened[1]!.sent).not.toBe("");
    proxy.tick(1100);
    expect([third.sent, second.sent, opened.length]).toEqual([INTERNAL, "", 2]);
    expect(proxy.server(0)).toMatchObject({ inFlight: 1, connections: 1 });
  });

  it("that take a hello without a word have failed; those whose client left have not", async () => {
    const proxy = new TestPassthrough(["127.0.0.1:1"]);
    const first = await proxy.relayed();
    first.upstream.reset();
    await settled();
    expect(first.client.destroyed || first.client.ended).toBe(true);
    expect(proxy.server(0)).toMatchObject({ requests: 1, errors: 1, inFlight: 0 });
    const second = await proxy.relayed();
    second.client.reset();
    await settled();
    expect(second.upstream.destroyed).toBe(true);
    expect(proxy.server(0)).toMatchObject({ requests: 1, errors: 1, inFlight: 0, connections: 0 });
  });

  it("open their circuit breaker, and close it with a trial", async () => {
    const proxy = new TestPassthrough(["127.0.0.1:1"], {
      circuitBreaker: { failureThreshold: 2, recoveryTimeout: "1s", halfOpenRequests: 1 },
      outlierDetection: "off",
    });
    const flags = () => proxy.context.scoreboard.health.flags(proxy.slots[0]!);
    for (let i = 0; i < 2; i++) {
      const { upstream } = await proxy.relayed();
      upstream.reset();
      await settled();
    }
    expect(flags() & HealthFlag.breakerOpen).not.toBe(0);
    proxy.tick(1500);
    expect(flags() & HealthFlag.breakerTrial).not.toBe(0);
    const { upstream } = await proxy.relayed();
    // One trial at a time.
    const { client } = proxy.connect();
    client.receive(helloFor("a.test"));
    expect(opened.length).toBe(3);
    upstream.receive("server's hello");
    proxy.tick(100);
    expect(flags() & (HealthFlag.breakerTrial | HealthFlag.breakerOpen)).toBe(0);
  });

  it("whose time is over end their connections, and lose what was not begun to others", async () => {
    const proxy = new TestPassthrough(two);
    const { client, upstream } = await proxy.relayed();
    const waiting = proxy.connect().client;
    waiting.receive(helloFor("a.test"));
    for (const { connections } of proxy.wholePlan.pools.get("web")!.servers) {
      expect(connections.size).toBe(1);
      connections.end();
    }
    expect([client.ended, upstream.ended]).toEqual([true, true]);
    client.peerEnd();
    upstream.peerEnd();
    await settled();
    expect([client.destroyed, upstream.destroyed]).toEqual([true, true]);
    for (const { connections } of proxy.wholePlan.pools.get("web")!.servers) connections.end();
    await settled();
    for (const index of [0, 1]) expect(proxy.server(index)).toMatchObject({ inFlight: 0, connections: 0 });
  });
});
