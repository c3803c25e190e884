import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { forgetOpened, opened, openedTo, settled } from "../socket.fixture.ts";
import {
  servers,
  request,
  answer,
  ok,
  proxyOf,
  errorOf,
  inFlight,
  totals,
  connectAll,
  asked,
  full,
} from "./further-tries.fixture.ts";
import type { TestProxy } from "./proxy.fixture.ts";

vi.mock("../connect.ts", () => import("../connect.fixture.ts"));
beforeEach(() => {
  forgetOpened();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => void vi.useRealTimers());

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
