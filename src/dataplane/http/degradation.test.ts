import { beforeEach, describe, expect, it, vi } from "vitest";
import { HealthFlag } from "../../shared-memory/health-flags.ts";
import { webConfig } from "../plan.fixture.ts";
import { forgetOpened, opened, openedTo } from "../socket.fixture.ts";
import { TestProxy } from "./proxy.fixture.ts";

vi.mock("../connect.ts", () => import("../connect.fixture.ts"));
beforeEach(forgetOpened);

const servers = [1, 2, 3, 4].map((port) => `127.0.0.1:${port}`);
const routes = [
  { match: { path: "/low" }, pool: "web", importance: "low" },
  { match: { path: "/critical" }, pool: "web", importance: "critical" },
  { pool: "web" },
];
const paths = ["/low", "/normal", "/critical"];

function proxyOf(pool: Record<string, unknown> = {}, pools: Record<string, unknown> = {}) {
  const config = webConfig(servers, { degradation: {}, ...pool }, { routes });
  const proxy = new TestProxy({ ...config, pools: { ...(config["pools"] as object), ...pools } });
  const down = (count: number) => {
    for (let slot = 0; slot < count; slot++)
      proxy.context.scoreboard.health.set(slot, HealthFlag.unhealthy, proxy.context.now);
  };
  /** What each path gets: the error's code, "served", or the status of a page. */
  const outcomes = () =>
    paths.map((path) => {
      const before = opened.length;
      const client = proxy.connect();
      client.receive(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      if (opened.length > before) return "served";
      return /"code":"(\w+)"/.exec(client.sent)?.[1] ?? client.sent.replace(/\r\nDate: .*/, "");
    });
  return { proxy, down, outcomes };
}

describe("a pool with too few servers", () => {
  it("serves by the importance of routes", () => {
    const { down, outcomes } = proxyOf();
    expect(outcomes()).toEqual(["served", "served", "served"]);
    down(2);
    expect(outcomes()).toEqual(["degraded", "served", "served"]);
    down(3);
    expect(outcomes()).toEqual(["degraded", "degraded", "served"]);
    down(4);
    expect(outcomes()).toEqual(["no_server", "no_server", "no_server"]);
  });

  it("gives all again to all as soon as its servers are back", () => {
    const { proxy, down, outcomes } = proxyOf();
    down(4);
    outcomes();
    for (const slot of [0, 1, 2]) proxy.context.scoreboard.health.clear(slot, HealthFlag.unhealthy, proxy.context.now);
    expect(outcomes()).toEqual(["served", "served", "served"]);
  });

  it("answers with its page where one is configured", () => {
    const { down, outcomes } = proxyOf({
      degradation: { answer: { body: "later", headers: { "Retry-After": "30" } } },
    });
    down(3);
    const [low, normal, critical] = outcomes();
    expect(low).toMatch(/^HTTP\/1.1 503 .*\r\nretry-after: 30\r\n.*\r\n\r\nlater$/s);
    expect([normal, critical]).toEqual([low, "served"]);
    down(4);
    expect(outcomes()).toEqual([low, low, low]);
  });

  it("counts what it turns away, and the connection can be used again", () => {
    const { proxy, down } = proxyOf();
    down(2);
    const client = proxy.connect();
    client.receive("GET /low HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(client.takeSent()).toMatch(/^HTTP\/1.1 503 .*\r\nRetry-After: 1\r\n/s);
    client.receive("GET /normal HTTP/1.1\r\nHost: a\r\n\r\n");
    opened[0].connected();
    opened[0].receive("HTTP/1.1 204 X\r\n\r\n");
    expect(client.sent).toMatch(/^HTTP\/1.1 204 /);
  });

  it("leaves it to the levels of its fallback who is served there", () => {
    const { down, outcomes } = proxyOf(
      { fallbackPool: "other" },
      { other: { servers: ["127.0.0.1:8", "127.0.0.1:9"], degradation: { full: "90%", reduced: "10%" } } },
    );
    down(4);
    expect(outcomes()).toEqual(["served", "served", "served"]);
    expect(openedTo.every((target) => /:[89]$/.test(target))).toBe(true);
    down(5);
    expect(outcomes()).toEqual(["degraded", "served", "served"]);
    down(6);
    expect(outcomes()).toEqual(["no_server", "no_server", "no_server"]);
  });
});
