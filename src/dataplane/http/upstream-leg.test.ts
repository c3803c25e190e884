import { beforeEach, describe, expect, it, vi } from "vitest";
import { serverTotals } from "../../shared-memory/totals.ts";
import { webConfig } from "../plan.fixture.ts";
import { forgetOpened, opened, openedTo, settled } from "../socket.fixture.ts";
import { TestProxy } from "./proxy.fixture.ts";
import { HealthFlag } from "../../shared-memory/health-flags.ts";

vi.mock("../connect.ts", () => import("../connect.fixture.ts"));
beforeEach(forgetOpened);

const servers = ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"];
const get = (path = "/") => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const head = (method: string, length: number, ...lines: string[]) =>
  `${[`${method} / HTTP/1.1`, "Host: a", `Content-Length: ${length}`, ...lines].join("\r\n")}\r\n\r\n`;
const ok = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const proxyOf = (pool: Record<string, unknown> = {}) => new TestProxy(webConfig(servers, pool));
const totals = (proxy: TestProxy, slot: number) => serverTotals(proxy.context.scoreboard.handle, slot);
const bodyOf = (text: string) => text.slice(text.indexOf("\r\n\r\n") + 4);
const errorOf = (text: string) => /"code":"(\w+)"/.exec(text)?.[1];

describe("UpstreamLeg: retries", () => {
  it("goes to another server when a connection cannot be made, whatever the method", async () => {
    const proxy = proxyOf();
    const client = proxy.connect();
    client.receive(`${head("POST", 4)}body`);
    opened[0].reset();
    await settled();
    opened[1].connected();
    await settled();
    expect(openedTo).toEqual(["127.0.0.1:1", "127.0.0.1:2"]);
    expect(bodyOf(opened[1].sent)).toBe("body");
    opened[1].receive(ok("done"));
    expect(client.sent).toBe(ok("done"));
    expect([totals(proxy, 0), totals(proxy, 1)]).toMatchObject([
      { requests: 1, errors: 1, connectFailures: 1, retries: 0 },
      { requests: 1, errors: 0, connectFailures: 0, retries: 1 },
    ]);
  });

  it("sends a body again from its beginning, although the read buffer has been overwritten since", async () => {
    const client = proxyOf().connect();
    client.receive(head("PUT", 6));
    opened[0].connected();
    for (const piece of ["ab", "cd"]) {
      client.receive(piece);
      await settled();
    }
    expect(bodyOf(opened[0].sent)).toBe("abcd");
    opened[0].reset();
    opened[1].connected();
    client.receive("ef");
    await settled();
    expect(bodyOf(opened[1].sent)).toBe("abcdef");
  });

  it.each([
    ["POST", 1_000_000, "the method does not allow it"],
    ["PUT", 5, "the body was too long to be kept"],
  ])("does not repeat a lost %s with a limit of %i bytes: %s", async (method, bufferLimit) => {
    const client = proxyOf({ retries: { bufferLimit } }).connect();
    client.receive(head(method, 8));
    opened[0].connected();
    client.receive("abcdef");
    opened[0].reset();
    await settled();
    expect(opened).toHaveLength(1);
    expect(errorOf(client.sent)).toBe("connection_lost");
  });

  it("stops after so many attempts, with the last error", async () => {
    const client = proxyOf({ retries: { attempts: 1 } }).connect();
    client.receive(get());
    opened[0].reset();
    opened[1].connected();
    opened[1].peerEnd();
    await settled();
    expect(opened).toHaveLength(2);
    expect(errorOf(client.sent)).toBe("connection_lost");
  });

  it("asks each server once, and the client learns why the last one failed", async () => {
    const client = proxyOf({ retries: { attempts: 10, backoff: 0 } }).connect();
    client.receive(get());
    for (let i = 0; i < 3; i++) opened[i].reset();
    await settled();
    expect(openedTo.toSorted()).toEqual(servers);
    expect(errorOf(client.sent)).toBe("connect_failed");
  });

  it("first tries a reused connection's server again, which is nobody's failure", async () => {
    const proxy = new TestProxy(webConfig(["127.0.0.1:1"]));
    const client = proxy.connect();
    client.receive(get());
    opened[0].connected();
    opened[0].receive(ok("1"));
    client.receive(get("/again"));
    opened[0].reset();
    opened[1].connected();
    await settled();
    expect(opened[1].sent).toContain("GET /again ");
    opened[1].receive(ok("2"));
    expect(client.sent).toBe(ok("1") + ok("2"));
    expect(totals(proxy, 0)).toMatchObject({ requests: 2, errors: 0, retries: 0 });
  });

  it("repeats nothing once an answer has begun", async () => {
    const client = proxyOf().connect();
    client.receive(get());
    opened[0].connected();
    opened[0].receive("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    opened[0].reset();
    await settled();
    expect(opened).toHaveLength(1);
    expect(client.sent).toMatch(/\r\n\r\nabc$/);
    expect(client.destroyed).toBe(true);
  });
});

describe("UpstreamLeg: limits", () => {
  it("passes over a server that is full, and says so when all are", () => {
    const proxy = new TestProxy(
      webConfig(
        servers.map((address) => ({ address, maxConnections: 1 })),
        { queue: { limit: 0 } },
      ),
    );
    const clients = [1, 2, 3, 4].map(() => {
      const client = proxy.connect();
      client.receive(get());
      return client;
    });
    expect(openedTo.toSorted()).toEqual(servers);
    expect(clients.map((client) => errorOf(client.sent))).toEqual([undefined, undefined, undefined, "overloaded"]);
    expect(clients[3].sent).toContain("\r\nRetry-After: 1\r\n");
  });

  it("waits for a connection at the pool's limit, and no longer than a connection may take to be made", async () => {
    const upstream = { maxConnections: 1, connectTimeout: "2s" };
    const proxy = new TestProxy(webConfig(["127.0.0.1:1"], { upstream }));
    const [first, second, third] = [proxy.connect(), proxy.connect(), proxy.connect()];
    for (const client of [first, second, third]) client.receive(get());
    opened[0].connected();
    proxy.context.advance(1500);
    opened[0].receive(ok("1"));
    expect([first.sent, second.sent]).toEqual([ok("1"), ""]);
    proxy.context.advance(700);
    expect(errorOf(third.sent)).toBe("overloaded");
    opened[0].receive(ok("2"));
    expect(second.sent).toBe(ok("2"));
    expect(opened).toHaveLength(1);
    expect(proxy.context.scoreboard.inFlight(0)).toBe(0);
  });

  it("does not wait for a client that has gone", async () => {
    const proxy = new TestProxy(webConfig(["127.0.0.1:1"], { upstream: { maxConnections: 1 } }));
    const [first, second] = [proxy.connect(), proxy.connect()];
    for (const client of [first, second]) client.receive(get());
    second.reset();
    opened[0].connected();
    opened[0].receive(ok("1"));
    await settled();
    expect(opened[0].sent.match(/GET/g)).toHaveLength(1);
    expect(proxy.context.scoreboard.inFlight(0)).toBe(0);
  });

  it("has no server for a pool whose servers are all down", () => {
    const proxy = new TestProxy(webConfig(["127.0.0.1:1"]));
    proxy.context.scoreboard.health.set(0, HealthFlag.maintenance, 1);
    const client = proxy.connect();
    client.receive(get());
    expect(errorOf(client.sent)).toBe("no_server");
  });
});

describe("UpstreamLeg: accounts", () => {
  it("books latency and status when the answer is complete, and frees the server before the client has it", () => {
    const proxy = new TestProxy(webConfig(["127.0.0.1:1"]));
    const client = proxy.connect();
    client.receive(get());
    opened[0].connected();
    expect(proxy.context.scoreboard.inFlight(0)).toBe(1);
    proxy.context.advance(120);
    let inFlight = -1;
    const write = client.write.bind(client);
    client.write = (data, encoding) => {
      inFlight = proxy.context.scoreboard.inFlight(0);
      return write(data, encoding);
    };
    opened[0].receive("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
    expect(inFlight).toBe(0);
    expect(totals(proxy, 0)).toMatchObject({ requests: 1, errors: 1, statuses: [0, 0, 0, 0, 0, 1], meanLatency: 120 });
  });

  it("counts nothing for a server whose client went away", async () => {
    const proxy = new TestProxy(webConfig(["127.0.0.1:1"]));
    const client = proxy.connect();
    client.receive(get());
    opened[0].connected();
    client.reset();
    await settled();
    expect(totals(proxy, 0)).toMatchObject({ requests: 0, errors: 0 });
    expect(proxy.context.scoreboard.inFlight(0)).toBe(0);
  });

  it("reads what a server reports of its load, for algorithms that want it", () => {
    for (const [algorithm, utilisation] of [
      ["resource_based", 0.6],
      ["round_robin", NaN],
    ] as const) {
      forgetOpened();
      const proxy = new TestProxy(webConfig(["127.0.0.1:1"], { algorithm }));
      proxy.connect().receive(get());
      opened[0].connected();
      opened[0].receive("HTTP/1.1 204 No Content\r\nEndpoint-Load-Metrics: TEXT cpu_utilization=0.6\r\n\r\n");
      expect(proxy.context.scoreboard.utilisation(0)).toEqual(utilisation);
    }
  });
});

describe("UpstreamLeg: answers", () => {
  it("passes interim answers on, but not to HTTP/1.0", () => {
    for (const minor of [0, 1]) {
      forgetOpened();
      const client = new TestProxy(webConfig(["127.0.0.1:1"])).connect();
      client.receive(`GET / HTTP/1.${minor}\r\nHost: a\r\n\r\n`);
      opened[0].connected();
      opened[0].receive(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok("x")}`);
      expect(client.sent.startsWith("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200")).toBe(minor === 1);
      expect(client.sent).toMatch(/\r\n\r\nx$/);
    }
  });

  it("announces the end of a connection whose body may never come", () => {
    const client = new TestProxy(webConfig(["127.0.0.1:1"])).connect();
    client.receive(head("POST", 10, "Expect: 100-continue"));
    opened[0].connected();
    opened[0].receive("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
    expect(client.sent).toContain("\r\nConnection: close\r\n");
    expect([client.ended, opened[0].destroyed]).toEqual([true, true]);
  });

  it.each([
    ["HTTP/1.1 200 OK\nContent-Length: 0\n\n", "bad_response"],
    ["HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", "unexpected_upgrade"],
  ])("refuses %j", (answer, code) => {
    const client = new TestProxy(webConfig(["127.0.0.1:1"])).connect();
    client.receive(get());
    opened[0].connected();
    opened[0].receive(answer);
    expect(errorOf(client.sent)).toBe(code);
    expect(opened[0].destroyed).toBe(true);
  });
});
