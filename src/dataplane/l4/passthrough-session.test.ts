import { beforeEach, describe, expect, it, vi } from "vitest";
import { HealthFlag } from "../../shared-memory/health-flags.ts";
import { listenerTotals, serverTotals } from "../../shared-memory/totals.ts";
import { forgetOpened, opened, openedTo, settled } from "../socket.fixture.ts";
import { helloFor, TestPassthrough } from "./passthrough.fixture.ts";

vi.mock("../connect.ts", () => import("../connect.fixture.ts"));

beforeEach(forgetOpened);

const two = ["127.0.0.1:1", "127.0.0.1:2"];
const alert = (description: number) => Buffer.of(21, 3, 3, 0, 2, 2, description).toString("latin1");
const [NO_SUCH_NAME, INTERNAL, UNEXPECTED] = [alert(112), alert(80), alert(10)];

function refused(): Error {
  return Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
}
function listener({ context, slot }: TestPassthrough) {
  const { accepted: _, ...totals } = listenerTotals(context.scoreboard.handle, slot);
  return totals;
}
function server(proxy: TestPassthrough, index: number) {
  const slot = proxy.slots[index]!;
  const { scoreboard } = proxy.context;
  const { requests, errors, connectFailures, retries, bytesIn, bytesOut } = serverTotals(scoreboard.handle, slot);
  const live = { inFlight: scoreboard.inFlight(slot), connections: scoreboard.connections(slot) };
  return { requests, errors, connectFailures, retries, bytesIn, bytesOut, ...live };
}
/** A client whose connection is relayed. */
async function relayed(proxy: TestPassthrough, name = "a.test") {
  const { client, session } = proxy.connect();
  client.receive(helloFor(name));
  const upstream = opened.at(-1)!;
  upstream.connected();
  await settled();
  return { client, session, upstream };
}

describe("a client that is passed on", () => {
  it("has its hello sent as it came, then speaks with the server alone", async () => {
    const proxy = new TestPassthrough(["127.0.0.1:1"]);
    const { client, upstream } = await relayed(proxy);
    expect(upstream.takeSent()).toBe(helloFor("a.test").toString("latin1"));
    upstream.receive("server's hello");
    client.receive("finished");
    expect([client.takeSent(), upstream.takeSent()]).toEqual(["server's hello", "finished"]);
    expect(server(proxy, 0)).toMatchObject({ inFlight: 1, connections: 1, requests: 1, errors: 0 });
    client.peerEnd();
    upstream.peerEnd();
    await settled();
    expect(proxy.sessions.size).toBe(0);
    const hello = helloFor("a.test").length;
    expect(server(proxy, 0)).toMatchObject({ inFlight: 0, connections: 0, bytesIn: 14, bytesOut: hello + 8 });
    expect(listener(proxy)).toMatchObject({ upgrades: 1, refused: 0, bytesIn: hello + 8, bytesOut: 14 });
  });

  it("may send its hello byte by byte, and more behind it", async () => {
    const proxy = new TestPassthrough(["127.0.0.1:1"]);
    const { client } = proxy.connect();
    const hello = helloFor("a.test");
    for (const byte of hello.subarray(0, -1)) client.receive(Buffer.of(byte));
    expect(opened.length).toBe(0);
    client.receive(Buffer.concat([hello.subarray(-1), Buffer.from("early data")]));
    // Nothing more is read until there is a server.
    expect([opened.length, client.reading]).toEqual([1, false]);
    client.receive("later");
    opened[0]!.connected();
    await settled();
    expect(opened[0]!.sent).toBe(`${hello.toString("latin1")}early datalater`);
  });

  it("goes where its name and its address say", async () => {
    const routes = [
      { match: { sni: ["a.test"], client: ["10.0.0.0/8"] }, pool: "inner" },
      { match: { sni: ["a.test", "*.b.test"] }, pool: "web" },
    ];
    const proxy = new TestPassthrough(["127.0.0.1:1"], {}, { routes }, { inner: { servers: ["127.0.0.1:9"] } });
    const ask = (name: string, from: string) => proxy.connect(from).client.receive(helloFor(name));
    ask("A.test", "10.1.2.3");
    ask("a.test", "192.0.2.1");
    ask("x.b.test", "10.1.2.3");
    ask("b.test", "10.1.2.3");
    expect(openedTo).toEqual(["127.0.0.1:9", "127.0.0.1:1", "127.0.0.1:1"]);
  });
});

describe("a client that is refused", () => {
  it.each([
    ["a name without a route", helloFor("c.test"), NO_SUCH_NAME],
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n"), UNEXPECTED],
  ])("for %s is told so and closed", async (_, bytes, answer) => {
    const proxy = new TestPassthrough(two, {}, { routes: [{ match: { sni: "a.test" }, pool: "web" }] });
    const { client } = proxy.connect();
    client.receive(bytes);
    expect([client.sent, client.ended, opened.length]).toEqual([answer, true, 0]);
    client.receive("what it still sends is dropped");
    expect(client.destroyed).toBe(false);
    client.peerEnd();
    await settled();
    expect([client.destroyed, proxy.sessions.size]).toEqual([true, 0]);
    expect(listener(proxy)).toMatchObject({ refused: 1, upgrades: 0, bytesIn: bytes.length });
  });

  it("has a second to go, and may not send for ever", async () => {
    const proxy = new TestPassthrough(two);
    const [first, second] = [proxy.connect().client, proxy.connect().client];
    first.receive("x");
    second.receive("x");
    for (let i = 0; i < 5; i++) second.receive(Buffer.alloc(65_536));
    expect(second.destroyed).toBe(true);
    proxy.tick(900);
    expect(first.destroyed).toBe(false);
    proxy.tick(200);
    expect(first.destroyed).toBe(true);
  });

  it("is cut when its hello takes too long, however it is spread", async () => {
    const proxy = new TestPassthrough(two, {}, { tls: { passthrough: true, handshakeTimeout: "2s" } });
    const [silent, slow] = [proxy.connect().client, proxy.connect().client];
    for (const byte of helloFor("a.test").subarray(0, 19)) {
      slow.receive(Buffer.of(byte));
      proxy.tick(100);
    }
    expect([silent.destroyed, slow.destroyed]).toEqual([false, false]);
    proxy.tick(200);
    await settled();
    expect([silent.destroyed, slow.destroyed, proxy.sessions.size]).toEqual([true, true, 0]);
    expect([silent.sent, slow.sent]).toEqual(["", ""]);
    // One that never said anything was not refused.
    expect(listener(proxy).refused).toBe(1);
  });

  it("leaves nothing behind when it goes before its hello is complete", async () => {
    const proxy = new TestPassthrough(two);
    const { client } = proxy.connect();
    client.receive(helloFor("a.test").subarray(0, 20));
    client.peerEnd();
    await settled();
    expect([client.destroyed, proxy.sessions.size, opened.length]).toEqual([true, 0, 0]);
    proxy.tick(60_000);
  });

  it("gets an alert when no server is ready", () => {
    const proxy = new TestPassthrough(two);
    for (const slot of proxy.slots) proxy.context.scoreboard.health.set(slot, HealthFlag.maintenance, 0);
    const { client } = proxy.connect();
    client.receive(helloFor("a.test"));
    expect(client.sent).toBe(INTERNAL);
  });
});

describe("servers", () => {
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
    expect(server(proxy, failed)).toMatchObject({ inFlight: 0, connections: 0, connectFailures: 1, errors: 1 });
    expect(server(proxy, 1 - failed)).toMatchObject({ inFlight: 1, connections: 1, retries: 1 });
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
    for (const index of [0, 1, 2]) expect(server(proxy, index)).toMatchObject({ inFlight: 0, connections: 0 });
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
    const first = await relayed(proxy);
    await relayed(proxy);
    expect(openedTo.toSorted()).toEqual(two);
    // The first one's server has none any more, so the next two go there and to the other one, in this order.
    first.client.peerEnd();
    first.upstream.peerEnd();
    await settled();
    await relayed(proxy);
    expect(openedTo[2]).toBe(openedTo[0]);
  });

  it("stay the same for a name with a hash of it", async () => {
    const proxy = new TestPassthrough(two, { algorithm: { name: "consistent_hash", key: "host" } });
    const names = Array.from({ length: 30 }, (_, index) => `n${index}.test`);
    for (const name of [...names, ...names]) await relayed(proxy, name);
    expect(openedTo.slice(30)).toEqual(openedTo.slice(0, 30));
    expect(new Set(openedTo).size).toBe(2);
  });

  it.each([
    ["maxConnections of the server", [{ address: "127.0.0.1:1", maxConnections: 1 }], {}],
    ["upstream.maxConnections", ["127.0.0.1:1"], { upstream: { maxConnections: 1 } }],
  ])("are waited for at %s", async (_, servers, pool) => {
    const proxy = new TestPassthrough(servers, { queue: { limit: 2, timeout: "1s" }, ...pool });
    const first = await relayed(proxy);
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
    expect(server(proxy, 0)).toMatchObject({ inFlight: 1, connections: 1 });
  });

  it("that take a hello without a word have failed; those whose client left have not", async () => {
    const proxy = new TestPassthrough(["127.0.0.1:1"]);
    const first = await relayed(proxy);
    first.upstream.reset();
    await settled();
    expect(first.client.destroyed || first.client.ended).toBe(true);
    expect(server(proxy, 0)).toMatchObject({ requests: 1, errors: 1, inFlight: 0 });
    const second = await relayed(proxy);
    second.client.reset();
    await settled();
    expect(second.upstream.destroyed).toBe(true);
    expect(server(proxy, 0)).toMatchObject({ requests: 1, errors: 1, inFlight: 0, connections: 0 });
  });

  it("open their circuit breaker, and close it with a trial", async () => {
    const proxy = new TestPassthrough(["127.0.0.1:1"], {
      circuitBreaker: { failureThreshold: 2, recoveryTimeout: "1s", halfOpenRequests: 1 },
      outlierDetection: "off",
    });
    const flags = () => proxy.context.scoreboard.health.flags(proxy.slots[0]!);
    for (let i = 0; i < 2; i++) {
      const { upstream } = await relayed(proxy);
      upstream.reset();
      await settled();
    }
    expect(flags() & HealthFlag.breakerOpen).not.toBe(0);
    proxy.tick(1500);
    expect(flags() & HealthFlag.breakerTrial).not.toBe(0);
    const { upstream } = await relayed(proxy);
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
    const { client, upstream } = await relayed(proxy);
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
    for (const index of [0, 1]) expect(server(proxy, index)).toMatchObject({ inFlight: 0, connections: 0 });
  });
});

describe("the listener", () => {
  it("ends those that have not begun when it drains, and the others when their time is over", async () => {
    const proxy = new TestPassthrough(two);
    const { session, client, upstream } = await relayed(proxy);
    const idle = proxy.connect();
    const begun = proxy.connect();
    begun.client.receive(helloFor("a.test").subarray(0, 9));
    for (const each of [session, idle.session, begun.session]) each.drain();
    expect([client.destroyed, idle.client.destroyed, begun.client.destroyed]).toEqual([false, true, false]);
    client.receive("goes on");
    expect(upstream.sent).toMatch(/goes on$/);
    session.closeTunnel();
    expect([client.ended, upstream.ended]).toEqual([true, true]);
    session.cut();
    begun.session.cut();
    await settled();
    expect([client.destroyed, upstream.destroyed, proxy.sessions.size]).toEqual([true, true, 0]);
  });

  it("cuts a client that waits for a server, and the server's connection with it", async () => {
    const proxy = new TestPassthrough(["127.0.0.1:1"]);
    const { session, client } = proxy.connect();
    client.receive(helloFor("a.test"));
    session.cut();
    await settled();
    expect([client.destroyed, opened[0]!.destroyed, proxy.sessions.size]).toEqual([true, true, 0]);
    expect(server(proxy, 0)).toMatchObject({ inFlight: 0, connections: 0, requests: 0 });
  });
});
