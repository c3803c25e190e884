import { get, type IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import fastify, { type FastifyInstance } from "fastify";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { algorithms } from "../../core/balancing/registry.ts";
import { seededRandom } from "../../core/random.ts";
import { PassiveReason } from "../../shared-memory/health-board.ts";
import { HealthFlag } from "../../shared-memory/health-flags.ts";
import { Scoreboard } from "../../shared-memory/scoreboard.ts";
import type { NewHealthEvent } from "../health/health-event.ts";
import { failed, ScriptedProbe, snapshotOf } from "../health/health.fixture.ts";
import { MAX_EVENT_SUBSCRIBERS } from "../health/limits.ts";
import { NodeHealth } from "../health/node-health.ts";
import { eventRoutes } from "./events.ts";
import type { NodeState } from "./node-state.ts";
import { serverHistoryRoutes } from "./server-history.ts";
import { serverRoutes } from "./servers.ts";

const clock = { now: () => performance.now(), wall: () => Date.now() };
let probe: ScriptedProbe;
let scoreboard: Scoreboard;
let health: NodeHealth;
let api: FastifyInstance;
let url: string;
const streams: IncomingMessage[] = [];

beforeEach(async () => {
  probe = new ScriptedProbe();
  probe.answers.set("bad", failed);
  scoreboard = Scoreboard.create({ servers: 4, workers: 1 });
  const servers = ["127.0.0.1:1", { address: "127.0.0.1:2", id: "bad" }];
  const snapshot = snapshotOf(
    {
      web: { servers, healthCheck: { type: "script", unhealthyInterval: "50ms" }, circuitBreaker: {} },
      other: { servers: [{ address: "127.0.0.1:3", id: "bad" }] },
    },
    [probe.definition],
  );
  health = new NodeHealth({
    scoreboard,
    clock,
    random: seededRandom(1),
    log: () => undefined,
    probes: () => [probe.definition],
    algorithms: () => algorithms,
  });
  health.follow(snapshot);
  api = fastify({ forceCloseConnections: true });
  const state = { scoreboard, clock, health, snapshot: () => snapshot } as Partial<NodeState> as NodeState;
  for (const routes of [serverRoutes, serverHistoryRoutes, eventRoutes]) await api.register(routes(state));
  url = await api.listen({ port: 0, host: "127.0.0.1" });
});

afterEach(async () => {
  for (const stream of streams.splice(0)) stream.destroy();
  await Promise.all([health.close(), api.close()]);
});

const event = (server: string, pool = "web"): NewHealthEvent => {
  return { at: 0, pool, server, what: "ejected", reason: "5 errors in a row", ready: false };
};

async function json(path: string): Promise<Record<string, unknown>> {
  return (await fetch(url + path)).json() as Promise<Record<string, unknown>>;
}

async function until<T>(what: string, condition: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 5_000; Date.now() < end; await sleep(5)) {
    const value = await condition();
    if (value !== undefined) return value;
  }
  throw new Error(`no ${what} within 5 s`);
}

/** Opens a stream; `text()` is what has come. */
function follow(path: string, headers: Record<string, string> = {}): Promise<{ status: number; text(): string }> {
  return new Promise((resolve, reject) => {
    get(url + path, { headers, agent: false }, (response) => {
      streams.push(response);
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("error", () => undefined);
      resolve({ status: response.statusCode!, text: () => text });
    }).on("error", reject);
  });
}

const ids = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));

describe("the health of a server", () => {
  it("shows what checks say, the reason, the last failure and the history", async () => {
    const found = await until("three failures", async () => {
      const { servers } = (await json("/servers/bad/health?pool=web")) as { servers: { history: unknown[] }[] };
      return servers[0]!.history.length >= 3 ? servers : undefined;
    });
    const iso = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({
      id: "bad",
      pool: "web",
      address: "127.0.0.1:2",
      health: {
        state: "unhealthy",
        flags: ["unhealthy"],
        reason: "unhealthy: status 500",
        since: iso,
        checks: [
          {
            type: "script",
            target: "127.0.0.1:2",
            state: "unhealthy",
            since: iso,
            consecutiveSuccesses: 0,
            lastCheckAt: iso,
            lastOutcome: "unhealthy",
            lastReason: "status 500",
          },
        ],
        lastFailure: { at: iso, reason: "status 500" },
        ejection: null,
        breaker: { state: "closed", failures: 0, openings: 0, until: null },
      },
    });
    expect(found[0]!.history[0]).toMatchObject({
      at: iso,
      check: "script",
      outcome: "unhealthy",
      reason: "status 500",
    });
  });

  it("is part of every server, also without checks, and of all pools that have the id", async () => {
    scoreboard.health.setReason(2, PassiveReason.consecutiveErrors);
    scoreboard.health.setEjectedUntil(2, clock.now() + 25_000);
    scoreboard.health.set(2, HealthFlag.ejected, clock.now());
    const { servers } = (await json("/servers/bad")) as { servers: { pool: string; health: unknown }[] };
    expect(servers.map(({ pool }) => pool)).toEqual(["web", "other"]);
    expect(servers[1]!.health).toMatchObject({
      state: null,
      flags: ["ejected"],
      reason: expect.stringMatching(/^ejected 2[45](\.\d)? s: 5 errors in a row$/),
      checks: [],
      ejection: { until: expect.any(String), reason: "5 errors in a row", count: 0 },
      breaker: null,
    });
    expect(((await json("/servers/bad/health")) as { servers: unknown[] }).servers).toHaveLength(2);
  });

  it("is not there for a server that is not there", async () => {
    const answer = await fetch(`${url}/servers/nobody/health`);
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([404, "unknown_server"]);
  });
});

describe("events", () => {
  it("are listed, and only those after a number, of a pool or of a server", async () => {
    await until("the first event", () => (health.events.lastId > 0 ? true : undefined));
    const before = health.events.lastId;
    health.events.add(event("a"));
    health.events.add(event("b", "other"));
    const list = async (query: string) =>
      ((await json(`/events?since=${before}${query}`)) as { events: { server: string }[] }).events.map(
        ({ server }) => server,
      );
    expect(await list("")).toEqual(["a", "b"]);
    expect(await list("&pool=other")).toEqual(["b"]);
    expect(await list("&server=a")).toEqual(["a"]);
    expect((await json("/events"))["lastId"]).toBe(before + 2);
    const answer = await fetch(`${url}/events?since=x`);
    expect(answer.status).toBe(400);
  });

  it("are streamed as they happen, and from the last one on that the reader saw", async () => {
    await until("the first event", () => (health.events.lastId > 0 ? true : undefined));
    const before = health.events.lastId;
    const now = await follow("/events", { accept: "text/event-stream" });
    health.events.add(event("a"));
    await until("the event", () => (now.text().includes('"server":"a"') ? true : undefined));
    expect(ids(now.text())).toEqual([before + 1]);
    expect(now.text()).toMatch(/^retry: 1000\n\nid: \d+\nevent: health\ndata: \{"id":\d+,"at":"1970-/);

    health.events.add(event("b"));
    const again = await follow("/events/stream", { "last-event-id": String(before) });
    await until("both events", () => (ids(again.text()).length === 2 ? true : undefined));
    expect(ids(again.text())).toEqual([before + 1, before + 2]);

    // Numbers of an earlier process mean nothing to this one: everything that it has is sent.
    const restarted = await follow("/events/stream", { "last-event-id": "999999" });
    await until("all events", () => (ids(restarted.text()).length === before + 2 ? true : undefined));
  });

  it("are about certificates as well, under a type of their own", async () => {
    await until("the first event", () => (health.events.lastId > 0 ? true : undefined));
    const before = health.events.lastId;
    const stream = await follow("/events/stream");
    const servers = await follow("/events/stream?pool=web");
    health.events.add({ at: 0, certificate: "rest:a", what: "certificate_added", reason: "a.test" });
    health.events.add(event("a"));
    await until("both", () => (ids(stream.text()).length === 2 ? true : undefined));
    const at = "1970-01-01T00:00:00.000Z";
    const seen = { id: before + 1, at, certificate: "rest:a", what: "certificate_added", reason: "a.test" };
    expect(stream.text()).toContain(`event: certificate\ndata: ${JSON.stringify(seen)}\n\n`);
    expect(((await json(`/events?since=${before}`)) as { events: unknown[] }).events[0]).toEqual(seen);
    await until("the one of the pool", () => (ids(servers.text()).length > 0 ? true : undefined));
    expect(ids(servers.text())).toEqual([before + 2]);
  });

  it("are streamed to a bounded number of readers; a place is free again when one leaves", async () => {
    for (let i = 0; i < MAX_EVENT_SUBSCRIBERS; i++) expect((await follow("/events/stream")).status).toBe(200);
    expect((await follow("/events/stream")).status).toBe(503);
    streams.shift()!.destroy();
    await until("a free place", async () => ((await follow("/events/stream")).status === 200 ? true : undefined));
  });

  it("do not pile up for a reader that does not read", async () => {
    const reader = await new Promise<IncomingMessage>((resolve, reject) => {
      get(`${url}/events/stream`, { agent: false }, resolve).on("error", reject);
    });
    reader.on("error", () => undefined);
    reader.pause();
    const closed = new Promise((resolve) => reader.socket.once("close", resolve));
    // Enough for the buffers of both sockets and what may wait.
    for (let i = 0; i < 400; i++) {
      for (let k = 0; k < 100; k++) health.events.add({ ...event("slow"), reason: "x".repeat(290) });
      await sleep(1);
      if (reader.socket.destroyed) break;
    }
    reader.resume();
    await closed;
    expect(reader.complete).toBe(false);
  });
});
