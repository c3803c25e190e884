import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Filter, FilterDefinition } from "../../core/filtering/filter.ts";
import { parseRequestHead } from "../../http1/parse-request-head.ts";
import { planOf, webConfig } from "../plan.fixture.ts";
import { forgetOpened, opened } from "../socket.fixture.ts";
import { testWorker } from "../worker.fixture.ts";
import { FakeDownstream } from "./downstream.fixture.ts";
import { Exchange } from "./exchange.ts";

vi.mock("../connect.ts", () => import("../connect.fixture.ts"));
beforeEach(forgetOpened);

const ownFilters = (own: Record<string, Filter>) => ({
  algorithms: [],
  filters: Object.entries(own).map(([name, filter]): FilterDefinition => ({
    kind: "filter",
    name,
    summary: "",
    schema: {},
    create: () => filter,
  })),
});

/** Starts an exchange for a request in front of one route; the last word is the downstream's calls. */
function start(
  lines: string[],
  options: { route?: object; own?: Record<string, Filter>; listener?: object; routes?: object[] } = {},
) {
  const context = testWorker();
  const { own = {} } = options;
  const filters = Object.keys(own).map((name) => ({ [name]: {} }));
  const route = { pool: "web", ...(filters.length > 0 && { filters }), ...options.route };
  const config = webConfig(["127.0.0.1:1"], {}, { routes: options.routes ?? [route], ...options.listener });
  const plan = planOf(config, context, ownFilters(own)).listeners.get("web")!;
  const exchange = new Exchange(context);
  const downstream = new FakeDownstream();
  const limits = { maxRequestLine: 8192, maxHeadSize: 65_536, maxHeaders: 100 };
  parseRequestHead(exchange.head, `${lines.join("\r\n")}\r\n\r\n`, 0, limits);
  exchange.start(downstream, plan, "192.0.2.1", "id-1");
  return { context, exchange, downstream, calls: downstream.calls };
}
const GET = ["GET /a?b HTTP/1.1", "Host: a"];

describe("Exchange: routing", () => {
  it.each([
    [["CONNECT a:1 HTTP/1.1", "Host: a:1"], {}, "connect_not_supported"],
    [["POST / HTTP/1.1", "Host: a", "Content-Length: 5"], { limits: { maxBodySize: 4 } }, "body_too_large"],
    [GET, { routes: [{ match: { path: "/other" }, pool: "web" }] }, "no_route"],
  ])("answers %j with %j by %s", (lines, listener, code) => {
    const { calls, exchange } = start(lines, { listener });
    expect(calls).toEqual([
      expect.stringMatching(`^answerError ${code} `),
      expect.stringMatching(/^count 4|^count 501/),
      "exchangeDone",
    ]);
    expect([exchange.running, opened.length]).toEqual([false, 0]);
  });

  it("answers fixed answers and redirects itself", () => {
    expect(start(GET, { routes: [{ respond: { status: 418 } }] }).calls[0]).toBe("answer 418");
    expect(start(GET, { routes: [{ redirect: { scheme: "https" } }] }).calls[0]).toMatch(/^answer 30[0-9]/);
    expect(opened).toHaveLength(0);
  });

  it("rewrites path and Host for the server", () => {
    start(GET, { route: { rewrite: { path: "/new", host: "inner" } } });
    opened[0].connected();
    expect(opened[0].sent).toMatch(/^GET \/new\?b HTTP\/1.1\r\nHost: inner\r\n/);
  });
});

describe("Exchange: filters", () => {
  it("may answer at once or later, and no server hears of it", async () => {
    expect(start(GET, { own: { x: { onRequestHead: () => ({ status: 403 }) } } }).calls).toEqual([
      "answer 403",
      "count 403 0",
      "exchangeDone",
    ]);
    const later = start(GET, { own: { x: { onRequestHead: async () => ({ status: 401 }) } } });
    expect(later.calls).toEqual([]);
    await Promise.resolve();
    await Promise.resolve();
    expect(later.calls[0]).toBe("answer 401");
    expect(opened).toHaveLength(0);
  });

  it("go on with the next one after a promise", async () => {
    const seen: string[] = [];
    const filter = (name: string): Filter => ({
      onRequestHead: async () => {
        seen.push(name);
      },
    });
    start(GET, { own: { a: filter("a"), b: filter("b") } });
    await new Promise((resolve) => setImmediate(resolve));
    expect([seen, opened.length]).toEqual([["a", "b"], 1]);
  });

  it("that come back to an exchange that is over change nothing, whatever it is used for by then", async () => {
    for (const fail of [false, true]) {
      let settle!: () => void;
      const gate = new Promise<void>(
        (resolve, reject) => (settle = () => (fail ? reject(new Error("late")) : resolve())),
      );
      const { exchange, calls, context } = start(GET, { own: { x: { onRequestHead: () => gate } } });
      exchange.clientGone({ code: "client_gone" } as never);
      expect(calls).toEqual(["count 0 0", "forget"]);
      settle();
      await new Promise((resolve) => setImmediate(resolve));
      expect([calls.length, opened.length, context.logs]).toEqual([2, 0, []]);
    }
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("oops");
      },
    ],
    ["rejects", () => Promise.reject(new Error("oops"))],
  ])("that %s end the exchange with an error, and the log says why", async (_, onRequestHead) => {
    const { calls, context } = start(GET, { own: { x: { onRequestHead } } });
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls[0]).toMatch(/^answerError filter_failed /);
    expect(context.logs[0]).toMatch(/^error route web\/0: a filter failed: Error: oops/);
  });

  it("that never decide are given up", async () => {
    vi.useFakeTimers();
    try {
      const { calls, context } = start(GET, { own: { x: { onRequestHead: () => new Promise(() => undefined) } } });
      await vi.advanceTimersByTimeAsync(29_000);
      expect(calls).toEqual([]);
      await vi.advanceTimersByTimeAsync(1_000);
      expect(calls[0]).toMatch(/^answerError filter_failed /);
      expect(context.logs[0]).toContain("no decision within 30000 ms");
    } finally {
      vi.useRealTimers();
    }
  });

  it("learn how it ended, each of them, even if one throws", () => {
    const results: unknown[] = [];
    const bad: Filter = {
      onComplete: () => {
        throw new Error("oops");
      },
    };
    const good: Filter = { onComplete: (exchange, result) => void results.push([exchange.route, result]) };
    const { exchange, context, downstream } = start(GET, { own: { bad, good } });
    context.advance(70);
    opened[0].connected();
    opened[0].receive("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    expect(results).toEqual([["web/0", { status: 200, error: undefined, duration: 70 }]]);
    expect(downstream.calls).toEqual(["count 200 70", "exchangeDone"]);
    expect([context.logs.length, exchange.view, exchange.chain]).toEqual([1, null, null]);
  });

  it("may edit answers of our own; one that fails there leaves them as they are", () => {
    const text = "HTTP/1.1 404 Not Found\r\nX-A: 1\r\nContent-Length: 2\r\n\r\n";
    const edit: Filter = { onResponseHead: ({ response }) => response.setHeader("x-a", "2") };
    const bad: Filter = {
      onResponseHead: () => {
        throw new Error("oops");
      },
    };
    expect(start(GET).exchange.editOwnHead(text)).toBe(text);
    expect(start(GET, { own: { edit } }).exchange.editOwnHead(text)).toBe(
      "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nx-a: 2\r\n\r\n",
    );
    expect(start(GET, { own: { bad } }).exchange.editOwnHead(text)).toBe(text);
  });
});

describe("Exchange: the end", () => {
  it("refuses a request that turned out bad, or cuts if its answer has begun", () => {
    const error = { code: "x", status: 400, reason: "a reason" };
    const early = start(GET);
    early.exchange.refuse(error);
    expect(early.calls).toEqual(["answerError x a reason", "count 400 0", "exchangeDone"]);
    expect([early.downstream.close, opened[0].destroyed]).toEqual([true, true]);
    forgetOpened();
    const late = start(GET);
    opened[0].connected();
    opened[0].receive("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    late.exchange.refuse(error);
    expect(late.calls.at(-1)).toBe("cut");
    expect(late.calls.some((call) => call.startsWith("answerError"))).toBe(false);
  });

  it("asks for no upgrade to HTTP/2, nor with a body", () => {
    for (const [upgrade, more, asked] of [
      ["websocket", [], true],
      ["h2c", [], false],
      ["HTTP/2.0, websocket", [], false],
      ["websocket", ["Content-Length: 1"], false],
    ] as const) {
      forgetOpened();
      start([...GET, "Connection: Upgrade", `Upgrade: ${upgrade}`, ...more]);
      opened[0].connected();
      opened[0].uncork();
      expect(opened[0].sent.includes("Upgrade:"), upgrade).toBe(asked);
    }
  });
});
