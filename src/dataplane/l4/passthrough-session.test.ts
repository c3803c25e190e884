import { beforeEach, describe, expect, it, vi } from "vitest";
import { HealthFlag } from "../../shared-memory/health-flags.ts";
import { forgetOpened, opened, openedTo, settled } from "../socket.fixture.ts";
import { helloFor, TestPassthrough } from "./passthrough.fixture.ts";

vi.mock("../connect.ts", () => import("../connect.fixture.ts"));

beforeEach(forgetOpened);

const two = ["127.0.0.1:1", "127.0.0.1:2"];
const alert = (description: number) => Buffer.of(21, 3, 3, 0, 2, 2, description).toString("latin1");
const [NO_SUCH_NAME, INTERNAL, UNEXPECTED] = [alert(112), alert(80), alert(10)];

describe("a client that is passed on", () => {
  it("has its hello sent as it came, then speaks with the server alone", async () => {
    const proxy = new TestPassthrough(["127.0.0.1:1"]);
    const { client, upstream } = await proxy.relayed();
    expect(upstream.takeSent()).toBe(helloFor("a.test").toString("latin1"));
    upstream.receive("server's hello");
    client.receive("finished");
    expect([client.takeSent(), upstream.takeSent()]).toEqual(["server's hello", "finished"]);
    expect(proxy.server(0)).toMatchObject({ inFlight: 1, connections: 1, requests: 1, errors: 0 });
    client.peerEnd();
    upstream.peerEnd();
    await settled();
    expect(proxy.sessions.size).toBe(0);
    const hello = helloFor("a.test").length;
    expect(proxy.server(0)).toMatchObject({ inFlight: 0, connections: 0, bytesIn: 14, bytesOut: hello + 8 });
    expect(proxy.counted).toMatchObject({ upgrades: 1, refused: 0, bytesIn: hello + 8, bytesOut: 14 });
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
    expect(proxy.counted).toMatchObject({ refused: 1, upgrades: 0, bytesIn: bytes.length });
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
    expect(proxy.counted.refused).toBe(1);
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

describe("the listener", () => {
  it("ends those that have not begun when it drains, and the others when their time is over", async () => {
    const proxy = new TestPassthrough(two);
    const { session, client, upstream } = await proxy.relayed();
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
    expect(proxy.server(0)).toMatchObject({ inFlight: 0, connections: 0, requests: 0 });
  });
});
