import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { HealthFlag } from "../../shared-memory/health-flags.ts";
import { PassiveReason } from "../../shared-memory/health-board.ts";
import { serverTotals } from "../../shared-memory/totals.ts";
import { webConfig } from "../plan.fixture.ts";
import { forgetOpened, opened, openedTo, settled, type FakeSocket } from "../socket.fixture.ts";
import { TestProxy } from "./proxy.fixture.ts";

vi.mock("../connect.ts", () => import("../connect.fixture.ts"));
beforeEach(() => {
  forgetOpened();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => void vi.useRealTimers());

const servers = ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"];
const request = (method = "GET", body = "") =>
  `${method} / HTTP/1.1\r\nHost: a\r\n${body === "" ? "" : `Content-Length: ${body.length}\r\n`}\r\n${body}`;
const answer = (status: number, body: string) =>
  `HTTP/1.1 ${status} X\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const ok = answer(200, "ok");
const proxyOf = (pool: Record<string, unknown> = {}, list: readonly unknown[] = servers) =>
  new TestProxy(webConfig(list, { outlierDetection: "off", ...pool }));
const errorOf = (text: string) => /"code":"(\w+)"/.exec(text)?.[1];
const inFlight = (proxy: TestProxy) => servers.map((_, slot) => proxy.context.scoreboard.inFlight(slot));
const totals = (proxy: TestProxy, slot: number) => serverTotals(proxy.context.scoreboard.handle, slot);

/** Connects every socket that was opened so far. */
function connectAll(): void {
  for (const socket of opened) if (!socket.destroyed) socket.connected();
}

/** A client has asked, and the first server has the request. */
async function asked(proxy: TestProxy, text = request()): Promise<FakeSocket> {
  const client = proxy.connect();
  client.receive(text);
  opened.at(-1)!.connected();
  await settled();
  return client;
}

describe("a status for which another server is asked", () => {
  it("is not seen by the client, and its connection is used again", async () => {
    const proxy = proxyOf();
    const client = await asked(proxy);
    opened[0].receive(answer(503, "down"));
    opened[1].connected();
    opened[1].receive(ok);
    expect(client.sent).toBe(ok);
    expect(opened[0].destroyed).toBe(false);
    expect(inFlight(proxy)).toEqual([0, 0, 0]);
    expect([totals(proxy, 0).statuses[5], totals(proxy, 1).retries]).toEqual([1, 1]);
  });

  it("costs the connection when the body has not come as a whole", async () => {
    const client = await asked(proxyOf());
    opened[0].receive("HTTP/1.1 500 X\r\nContent-Length: 1000000\r\n\r\nabc");
    expect(opened[0].destroyed).toBe(true);
    opened[1].connected();
    opened[1].receive(ok);
    expect(client.sent).toBe(ok);
  });

  it("reaches the client when no other server is left, as the last of them said it", async () => {
    const client = await asked(proxyOf({ retries: { attempts: 5 } }));
    opened[0].receive(answer(500, "first"));
    opened[1].connected();
    opened[1].receive(answer(502, "second"));
    vi.advanceTimersByTime(1000);
    opened[2].connected();
    opened[2].receive(answer(503, "third"));
    expect(client.sent).toBe(answer(503, "third"));
  });

  it("reaches the client for POST, which is not repeated", async () => {
    const client = await asked(proxyOf(), request("POST", "x"));
    opened[0].receive(answer(503, "down"));
    expect(client.sent).toBe(answer(503, "down"));
    expect(opened).toHaveLength(1);
  });

  it("is looked for with POST too where the pool says so, and the body is sent again", async () => {
    const client = await asked(proxyOf({ retries: { nonIdempotent: true } }), request("POST", "body"));
    opened[0].receive(answer(503, "down"));
    opened[1].connected();
    await settled();
    expect(opened[1].sent).toMatch(/\r\n\r\nbody$/);
    opened[1].receive(ok);
    expect(client.sent).toBe(ok);
  });

  it("waits before the second retry, not before the first", async () => {
    await asked(proxyOf({ retries: { backoff: "100ms" } }));
    opened[0].receive(answer(503, ""));
    expect(opened).toHaveLength(2);
    opened[1].connected();
    opened[1].receive(answer(503, ""));
    expect(opened).toHaveLength(2);
    vi.advanceTimersByTime(100);
    expect(opened).toHaveLength(3);
  });

  it("reaches the client once the budget is used up", async () => {
    const proxy = proxyOf({ retries: { budget: 0, minRetriesPerSecond: 0.1 } });
    const first = await asked(proxy);
    opened[0].receive(answer(503, "down"));
    opened[1].connected();
    opened[1].receive(ok);
    expect(first.sent).toBe(ok);
    const second = proxy.connect();
    second.receive(request());
    const socket = opened.find(({ sent, destroyed }) => !destroyed && sent.split("GET").length > 1 && !second.sent)!;
    connectAll();
    for (const each of opened) if (each.sent.includes("GET") && each !== socket) each.receive("");
    opened.at(-1)!.receive(answer(503, "still"));
    expect(second.sent).toBe(answer(503, "still"));
    expect(inFlight(proxy)).toEqual([0, 0, 0]);
  });

  it("frees the server that was chosen for the next try when the client goes away in between", async () => {
    const proxy = proxyOf({ retries: { backoff: "100ms" } });
    const client = await asked(proxy);
    opened[0].receive(answer(503, ""));
    opened[1].connected();
    opened[1].receive(answer(503, ""));
    expect(inFlight(proxy)).toEqual([0, 0, 1]);
    client.reset();
    await settled();
    expect(inFlight(proxy)).toEqual([0, 0, 0]);
    vi.advanceTimersByTime(1000);
    expect(opened).toHaveLength(2);
  });
});

describe("a bad answer", () => {
  it("lets an idempotent request go to another server, and nobody else's", async () => {
    const first = await asked(proxyOf());
    opened[0].receive("garbage\r\n\r\n");
    opened[1].connected();
    opened[1].receive(ok);
    expect(first.sent).toBe(ok);
    forgetOpened();
    const second = await asked(proxyOf(), request("POST", "x"));
    opened[0].receive("garbage\r\n\r\n");
    expect(errorOf(second.sent)).toBe("bad_response");
  });
});

describe("time", () => {
  it("for one try is limited where the pool says so", async () => {
    const proxy = proxyOf({ retries: { tryTimeout: "200ms" } });
    const client = await asked(proxy);
    proxy.context.advance(300);
    expect(opened[0].destroyed).toBe(true);
    opened[1].connected();
    opened[1].receive(ok);
    expect(client.sent).toBe(ok);
    expect(inFlight(proxy)).toEqual([0, 0, 0]);
  });

  it("for the whole request is limited, all tries together", async () => {
    const proxy = proxyOf({ retries: { tryTimeout: "400ms" }, upstream: { requestTimeout: "600ms" } });
    const client = await asked(proxy);
    proxy.context.advance(450);
    opened[1].connected();
    proxy.context.advance(250);
    expect(errorOf(client.sent)).toBe("request_timeout");
    expect(inFlight(proxy)).toEqual([0, 0, 0]);
    expect(opened[1].destroyed).toBe(true);
  });

  it("for one try and for the whole request may be over in the same moment, and the client gets one answer", async () => {
    const proxy = proxyOf({
      retries: { tryTimeout: "400ms", attempts: 0 },
      upstream: { requestTimeout: "400ms" },
    });
    for (const order of [1, 2]) {
      const client = await asked(proxy);
      proxy.context.advance(1000);
      expect(client.sent.match(/HTTP\/1.1 504/g)).toHaveLength(1);
      // The exchange is used again, and nothing of the first request's time is left.
      client.takeSent();
      client.receive(request());
      proxy.context.advance(200);
      expect([client.sent, order]).toEqual(["", order]);
      client.reset();
      await settled();
    }
    expect(inFlight(proxy)).toEqual([0, 0, 0]);
  });

  it("for one try holds as well for a request that had to wait for its connection", async () => {
    const proxy = proxyOf({ retries: { tryTimeout: "300ms" }, upstream: { maxConnections: 1 } }, [
      servers[0],
      { address: servers[1], priority: 1 },
    ]);
    const first = await asked(proxy);
    const second = proxy.connect();
    second.receive(request());
    proxy.context.advance(100);
    opened[0].receive(ok);
    expect(first.sent).toBe(ok);
    expect(opened[0].sent.match(/GET/g)).toHaveLength(2);
    proxy.context.advance(300);
    expect(opened[0].destroyed).toBe(true);
    opened[1].connected();
    opened[1].receive(ok);
    expect(second.sent).toBe(ok);
  });

  it("for one try lets also a POST go elsewhere while its connection is still being made", async () => {
    const proxy = proxyOf({ retries: { tryTimeout: "300ms" } });
    const client = proxy.connect();
    client.receive(request("POST", "body"));
    proxy.context.advance(400);
    opened[1].connected();
    opened[1].receive(ok);
    expect(client.sent).toBe(ok);
  });

  it("for the whole request cuts an answer that has begun", async () => {
    const proxy = proxyOf({ upstream: { requestTimeout: "600ms" } });
    const client = await asked(proxy);
    opened[0].receive("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    proxy.context.advance(700);
    expect(client.destroyed).toBe(true);
  });
});

const silent = (proxy: TestProxy, slot: number) => {
  const { health } = proxy.context.scoreboard;
  health.setReason(slot, PassiveReason.silence);
  health.setEjectedUntil(slot, proxy.context.now + 30_000);
  health.set(slot, HealthFlag.ejected, proxy.context.now);
};

describe("a server that turned out to be dead", () => {
  const detecting = { outlierDetection: {} };

  it("loses the idempotent requests that it has not answered, not the others", async () => {
    const proxy = proxyOf(detecting, [servers[0], { address: servers[1], priority: 1 }]);
    const get = await asked(proxy);
    const post = await asked(proxy, request("POST", "x"));
    silent(proxy, 0);
    proxy.tick(200);
    connectAll();
    opened[2].receive(ok);
    expect(openedTo).toEqual([servers[0], servers[0], servers[1]]);
    expect([get.sent, post.sent]).toEqual([ok, ""]);
    expect([opened[0].destroyed, opened[1].destroyed]).toEqual([true, false]);
    opened[1].receive(answer(200, "late"));
    expect(post.sent).toBe(answer(200, "late"));
  });

  it("loses those that wait for a connection to it as well, of any method", async () => {
    const proxy = proxyOf({ ...detecting, upstream: { maxConnections: 1 } }, [
      servers[0],
      { address: servers[1], priority: 1 },
    ]);
    const first = await asked(proxy, request("POST", "x"));
    const second = proxy.connect();
    second.receive(request("POST", "y"));
    expect(opened).toHaveLength(1);
    silent(proxy, 0);
    proxy.tick(200);
    opened[1].connected();
    opened[1].receive(ok);
    expect([first.sent, second.sent, openedTo[1]]).toEqual(["", ok, servers[1]]);
    expect(inFlight(proxy)).toEqual([1, 0, 0]);
  });

  it("keeps an answer that has begun", async () => {
    const proxy = proxyOf(detecting, [servers[0], { address: servers[1], priority: 1 }]);
    const client = await asked(proxy);
    opened[0].receive("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
    silent(proxy, 0);
    proxy.tick(500);
    opened[0].receive("cd");
    expect(client.sent).toMatch(/abcd$/);
  });

  it("keeps what has nowhere else to go", async () => {
    const proxy = proxyOf(detecting, [servers[0]]);
    const client = await asked(proxy);
    silent(proxy, 0);
    proxy.tick(500);
    opened[0].receive(ok);
    expect(client.sent).toBe(ok);
    expect(inFlight(proxy)[0]).toBe(0);
  });
});

describe("a server whose time is over", () => {
  it("loses every request of which nothing was sent to another server, a POST too", async () => {
    const proxy = proxyOf({ upstream: { maxConnections: 2 } }, [servers[0], { address: servers[1], priority: 1 }]);
    const clients = [1, 2, 3].map(() => {
      const client = proxy.connect();
      client.receive(request("POST", "x"));
      return client;
    });
    // One has been sent, one has a connection that is being made, one waits for a connection.
    opened[0].connected();
    await settled();
    proxy.context.scoreboard.health.set(0, HealthFlag.draining, proxy.context.now);
    proxy.wholePlan.pools.get("web")!.servers[0].connections.end();
    expect(errorOf(clients[0].sent)).toBe("server_removed");
    for (const socket of opened.slice(2)) {
      socket.connected();
      socket.receive(ok);
    }
    expect(clients.slice(1).map(({ sent }) => sent)).toEqual([ok, ok]);
    expect(inFlight(proxy)).toEqual([0, 0, 0]);
  });
});

const full = (queue: Record<string, unknown>) => proxyOf({ queue }, [{ address: servers[0], maxConnections: 1 }]);

describe("the queue of a pool whose servers are full", () => {
  it("lets requests in as places become free, in their order", async () => {
    const proxy = full({});
    const first = await asked(proxy);
    const others = [1, 2].map(() => {
      const client = proxy.connect();
      client.receive(request());
      return client;
    });
    expect(others.map(({ sent }) => sent)).toEqual(["", ""]);
    opened[0].receive(answer(200, "1"));
    opened[0].receive(answer(200, "2"));
    expect([first, ...others].map(({ sent }) => sent)).toEqual([answer(200, "1"), answer(200, "2"), ""]);
    opened[0].receive(answer(200, "3"));
    expect(others[1].sent).toBe(answer(200, "3"));
    expect(opened).toHaveLength(1);
    expect(inFlight(proxy)[0]).toBe(0);
  });

  it("lets nobody wait longer than its time", async () => {
    const proxy = full({ timeout: "300ms" });
    await asked(proxy);
    const client = proxy.connect();
    client.receive(request());
    proxy.context.advance(400);
    expect(errorOf(client.sent)).toBe("queue_timeout");
    expect(inFlight(proxy)[0]).toBe(1);
  });

  it("turns away what is beyond its limit, and with a limit of 0 everybody", async () => {
    for (const [limit, code] of [
      [1, "queue_full"],
      [0, "overloaded"],
    ] as const) {
      forgetOpened();
      const proxy = full({ limit });
      await asked(proxy);
      for (let i = 0; i < limit; i++) proxy.connect().receive(request());
      const client = proxy.connect();
      client.receive(request());
      expect(errorOf(client.sent)).toBe(code);
    }
  });

  it("forgets a client that goes away", async () => {
    const proxy = full({});
    const first = await asked(proxy);
    const second = proxy.connect();
    second.receive(request());
    second.reset();
    await settled();
    const third = proxy.connect();
    third.receive(request());
    opened[0].receive(answer(200, "1"));
    opened[0].receive(answer(200, "3"));
    expect([first.sent, third.sent]).toEqual([answer(200, "1"), answer(200, "3")]);
  });

  it("takes in a request whose server turned out to be closed, and lets others pass it that may go there", async () => {
    const proxy = proxyOf(
      { queue: {} },
      servers.slice(0, 2).map((address) => ({ address, maxConnections: 1 })),
    );
    const clients = ["1", "2"].map(() => {
      const client = proxy.connect();
      client.receive(request("POST", "x"));
      return client;
    });
    opened[0].connected();
    opened[1].reset();
    await settled();
    // It waits for the first server, not having to hear of the second one.
    expect(clients[1].sent).toBe("");
    const third = proxy.connect();
    third.receive(request());
    opened[2].connected();
    opened[2].receive(answer(200, "3"));
    expect([third.sent, openedTo[2]]).toEqual([answer(200, "3"), servers[1]]);
    opened[0].receive(answer(200, "1"));
    opened[0].receive(answer(200, "2"));
    expect(clients.map(({ sent }) => sent)).toEqual([answer(200, "1"), answer(200, "2")]);
    expect(inFlight(proxy)).toEqual([0, 0, 0]);
  });

  it("tells a request that waits again after a failure of that failure when its time is over", async () => {
    const proxy = proxyOf(
      { queue: { timeout: "300ms" } },
      servers.slice(0, 2).map((address) => ({ address, maxConnections: 1 })),
    );
    await asked(proxy);
    const client = proxy.connect();
    client.receive(request());
    opened[1].reset();
    await settled();
    proxy.context.advance(400);
    expect(errorOf(client.sent)).toBe("connect_failed");
  });

  it("gives a place that another worker has freed to who waits, not to who has just come", async () => {
    const proxy = full({});
    proxy.context.scoreboard.begin(0);
    const [early, late] = [proxy.connect(), proxy.connect()];
    early.receive(request());
    proxy.context.scoreboard.end(0);
    late.receive(request());
    opened[0].connected();
    opened[0].receive(answer(200, "early"));
    opened[0].receive(answer(200, "late"));
    expect([early.sent, late.sent]).toEqual([answer(200, "early"), answer(200, "late")]);
  });

  it("gets its places from other workers too", async () => {
    const proxy = full({});
    proxy.context.scoreboard.begin(0);
    const client = proxy.connect();
    client.receive(request());
    expect(opened).toHaveLength(0);
    proxy.context.scoreboard.end(0);
    proxy.tick(50);
    opened[0].connected();
    opened[0].receive(ok);
    expect(client.sent).toBe(ok);
  });
});

/** A pool that has learned that answers take about 10 ms. */
async function trained(pool: Record<string, unknown> = {}): Promise<TestProxy> {
  const proxy = proxyOf({ hedging: { budget: "50%", minDelay: "1ms" }, ...pool }, servers.slice(0, 2));
  const client = proxy.connect();
  for (let i = 0; i < 200; i++) {
    client.receive(request());
    connectAll();
    proxy.context.advance(10);
    for (const socket of opened) if (socket.sent.endsWith("\r\n\r\n")) socket.takeSent();
    // Whoever has the request answers; the other one is idle and must get nothing.
    const slot = proxy.context.scoreboard.inFlight(0) > 0 ? 0 : 1;
    opened[openedTo.lastIndexOf(servers[slot])].receive(answer(200, ""));
  }
  client.takeSent();
  return proxy;
}

describe("a hedged request", () => {
  it("is answered by the second server when the first takes long, and the first is given up", async () => {
    const proxy = await trained();
    const before = opened.length;
    const client = proxy.connect();
    client.receive(request());
    expect(inFlight(proxy).slice(0, 2).toSorted()).toEqual([0, 1]);
    vi.advanceTimersByTime(100);
    connectAll();
    expect(inFlight(proxy).slice(0, 2)).toEqual([1, 1]);
    const second = opened.filter(({ destroyed, sent }) => !destroyed && sent.includes("GET / "));
    expect(second).toHaveLength(2);
    second[1].receive(ok);
    expect(client.sent).toBe(ok);
    expect(inFlight(proxy).slice(0, 2)).toEqual([0, 0]);
    expect(second[0].destroyed).toBe(true);
    expect(totals(proxy, 0).hedges + totals(proxy, 1).hedges).toBe(1);
    expect(opened.length).toBeGreaterThanOrEqual(before);
  });

  it("survives the failure of either server", async () => {
    const proxy = await trained();
    const client = proxy.connect();
    client.receive(request());
    vi.advanceTimersByTime(100);
    connectAll();
    const [first, second] = opened.filter(({ destroyed, sent }) => !destroyed && sent.includes("GET / "));
    first!.reset();
    await settled();
    second!.receive(ok);
    expect(client.sent).toBe(ok);
    expect(inFlight(proxy).slice(0, 2)).toEqual([0, 0]);
  });

  it("asks neither of its two servers again when both have failed", async () => {
    const proxy = await trained({ retries: { attempts: 5, backoff: 0 } });
    const client = proxy.connect();
    client.receive(request());
    vi.advanceTimersByTime(100);
    connectAll();
    const [first, second] = opened.filter(({ destroyed, sent }) => !destroyed && sent.includes("GET / "));
    const before = opened.length;
    // A connection that had been used before is replaced once.
    second!.receive("garbage\r\n\r\n");
    first!.receive("garbage\r\n\r\n");
    await settled();
    expect(opened).toHaveLength(before);
    expect(errorOf(client.sent)).toBe("bad_response");
    expect(inFlight(proxy).slice(0, 2)).toEqual([0, 0]);
  });

  it("is never a POST", async () => {
    const proxy = await trained();
    proxy.connect().receive(request("POST", "x"));
    vi.advanceTimersByTime(1000);
    expect(inFlight(proxy).slice(0, 2).toSorted()).toEqual([0, 1]);
  });

  it("leaves nothing behind when its client goes away", async () => {
    const proxy = await trained();
    const client = proxy.connect();
    client.receive(request());
    vi.advanceTimersByTime(100);
    client.reset();
    await settled();
    expect(inFlight(proxy).slice(0, 2)).toEqual([0, 0]);
  });
});

describe("the adaptive limit", () => {
  it("turns away what is beyond it and counts right again afterwards", async () => {
    const proxy = proxyOf({ adaptiveConcurrency: { initial: 2, minimum: 2, maximum: 2 } });
    const clients = [1, 2, 3].map(() => {
      const client = proxy.connect();
      client.receive(request());
      return client;
    });
    expect(errorOf(clients[2].sent)).toBe("concurrency_limited");
    connectAll();
    for (const socket of opened) socket.receive(ok);
    expect(clients.slice(0, 2).map(({ sent }) => sent)).toEqual([ok, ok]);
    const pool = proxy.wholePlan.pools.get("web")!;
    expect(pool.active).toBe(0);
  });
});
