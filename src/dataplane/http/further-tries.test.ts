import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { PassiveReason } from "../../shared-memory/health-board.ts";
import { HealthFlag } from "../../shared-memory/health-flags.ts";
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
} from "./further-tries.fixture.ts";
import type { TestProxy } from "./proxy.fixture.ts";

vi.mock("../connect.ts", () => import("../connect.fixture.ts"));
beforeEach(() => {
  forgetOpened();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => void vi.useRealTimers());

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

  it("for one try does not end a request that nobody else may be asked for", async () => {
    const proxy = proxyOf({ retries: { tryTimeout: "200ms" } });
    const post = await asked(proxy, request("POST", "x"));
    proxy.context.advance(1000);
    opened[0].receive(ok);
    expect(post.sent).toBe(ok);
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
