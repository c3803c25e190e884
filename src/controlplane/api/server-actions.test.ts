import fastify, { type FastifyInstance } from "fastify";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { normaliseConfig } from "../../config/normalise.ts";
import { createSnapshot } from "../../config/snapshot.ts";
import { algorithms } from "../../core/balancing/registry.ts";
import { seededRandom } from "../../core/random.ts";
import { flagNames } from "../../shared-memory/health-flags.ts";
import { Scoreboard } from "../../shared-memory/scoreboard.ts";
import { NodeHealth } from "../health/node-health.ts";
import { ServerActions } from "../server-actions.ts";
import type { NodeState } from "./node-state.ts";
import { answerWithProblems } from "./problem-details.ts";
import { serverActionRoutes } from "./server-actions.ts";

const LONG = `long/${"x".repeat(195)}`;
const clock = { now: () => 5000, wall: () => Date.UTC(2026, 0, 1) };
let scoreboard: Scoreboard;
let api: FastifyInstance;
let actions: ServerActions;
let health: NodeHealth;

const server = (port: number, id: string) => ({ address: `127.0.0.1:${port}`, id });
const log = () => undefined;

beforeEach(async () => {
  const input = {
    listeners: { web: { listen: "127.0.0.1:0", pool: "web" } },
    pools: {
      web: { servers: [server(1, "one"), server(2, "two")], drainTimeout: "20s" },
      api: { servers: [server(3, "two"), server(4, LONG)] },
    },
  };
  const { config } = normaliseConfig(input, { extensions: { algorithms, filters: [] } });
  const snapshot = createSnapshot(1, config!, { web: [0, 1], api: [2, 3] }, []);
  scoreboard = Scoreboard.create({ servers: 4, workers: 1 });
  const random = seededRandom(1);
  health = new NodeHealth({ scoreboard, clock, random, log, probes: () => [], algorithms: () => algorithms });
  health.follow(snapshot);
  actions = new ServerActions({ scoreboard, clock, log, snapshot: () => snapshot });
  api = fastify({ routerOptions: { maxParamLength: 600 } });
  answerWithProblems(api, (error) => {
    throw error;
  });
  const state: Pick<NodeState, "snapshot" | "scoreboard" | "clock" | "health"> = {
    snapshot: () => snapshot,
    scoreboard,
    clock,
    health,
  };
  await api.register(serverActionRoutes(state as NodeState, actions));
});
afterEach(async () => {
  actions.close();
  await Promise.all([health.close(), api.close()]);
});

async function post(path: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
  const options =
    body === undefined ? {} : { payload: JSON.stringify(body), headers: { "content-type": "application/json" } };
  const answer = await api.inject({ method: "POST", url: path, ...options });
  return { status: answer.statusCode, body: answer.json() };
}

const flags = (slot: number) => flagNames(scoreboard.health.flags(slot));

describe("actions on a server over REST", () => {
  it("answer with the server as it is then, and when the rest is closed", async () => {
    scoreboard.begin(0);
    expect(await post("/servers/one/drain", { timeout: "30s" })).toMatchObject({
      status: 200,
      body: {
        server: { id: "one", pool: "web", state: "draining", inFlight: 1 },
        inFlight: 1,
        drainUntil: "2026-01-01T00:00:30.000Z",
        drainTimeLeft: 30_000,
        warnings: [],
      },
    });
    expect(flags(0)).toEqual(["draining"]);
    expect((await post("/servers/one/drain", { timeout: 1500 })).body).toMatchObject({ drainTimeLeft: 1500 });
    expect((await post("/servers/one/resume")).body).toMatchObject({
      server: { state: "up" },
      drainUntil: null,
      drainTimeLeft: null,
    });
  });

  it.each<[string, string[], string]>([
    ["drain", ["draining"], "draining"],
    ["maintenance", ["maintenance"], "maintenance"],
    ["up", ["forcedUp"], "up"],
    ["down", ["forcedDown"], "down"],
    ["auto", [], "up"],
    ["resume", [], "up"],
    ["kill", [], "up"],
  ])("%s", async (action, set, state) => {
    const { status, body } = await post(`/servers/one/${action}`, {});
    expect([status, flags(0)]).toEqual([200, set]);
    expect(body).toMatchObject({ server: { state } });
    expect(scoreboard.health.killEpoch(0)).toBe(action === "kill" ? 1 : 0);
  });

  it("take the pool's time when none is given, and warn when nobody is left", async () => {
    await post("/servers/two/down?pool=web");
    expect((await post("/servers/one/drain")).body).toMatchObject({
      drainTimeLeft: 20_000,
      warnings: ["pool web: no server takes new work without one"],
    });
  });

  it("need the pool where more than one has the server", async () => {
    expect(await post("/servers/two/drain")).toMatchObject({
      status: 409,
      body: { code: "ambiguous_server", pools: ["web", "api"], title: expect.stringContaining("web, api") },
    });
    expect((await post("/servers/two/drain?pool=api")).status).toBe(200);
    expect([flags(1), flags(2)]).toEqual([[], ["draining"]]);
  });

  it.each([
    ["/servers/none/drain", "unknown_server"],
    ["/servers/one/drain?pool=api", "unknown_server"],
    ["/servers/one/drain?pool=toString", "unknown_pool"],
    ["/servers/one/explode", "not_found"],
  ])("answer 404 to %s", async (path, code) => {
    expect(await post(path)).toMatchObject({ status: 404, body: { code } });
  });

  it.each<[string, unknown, string | null]>([
    ["drain", { timeout: "soon" }, "timeout"],
    ["drain", { timeout: -1 }, "timeout"],
    ["drain", { timeout: null }, "timeout"],
    ["drain", { timeout: "30d" }, "timeout"],
    ["drain", { timout: "3s" }, "timout"],
    ["maintenance", { timeout: {} }, "timeout"],
    ["kill", { timeout: "3s" }, "timeout"],
    ["drain", [], null],
    ["drain", "3s", null],
  ])("refuse %s with %j and name the field", async (action, body, field) => {
    expect(await post(`/servers/one/${action}`, body)).toMatchObject({
      status: 400,
      body: { code: "bad_request", field },
    });
    expect(flags(0)).toEqual([]);
  });

  it("find servers by any id that a configuration may have", async () => {
    expect((await post(`/servers/${encodeURIComponent(LONG)}/drain`)).status).toBe(200);
    expect(flags(3)).toEqual(["draining"]);
  });
});
