import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { normaliseConfig } from "../../config/normalise.ts";
import { createSnapshot } from "../../config/snapshot.ts";
import { algorithms } from "../../core/balancing/registry.ts";
import { seededRandom } from "../../core/random.ts";
import { Scoreboard } from "../../shared-memory/scoreboard.ts";
import { ManagerFixture } from "../certificates/certificates.fixture.ts";
import { NodeHealth } from "../health/node-health.ts";
import type { WorkerStatus } from "../worker-status.ts";
import { AdminServer } from "./admin-server.ts";
import type { NodeState } from "./node-state.ts";

const token = "0123456789abcdef-token";
const servers: AdminServer[] = [];
const healths: NodeHealth[] = [];
const { manager: certificates } = new ManagerFixture();
afterAll(() => certificates.close());
afterEach(async () => {
  await Promise.all(healths.splice(0).map((health) => health.close()));
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const running: WorkerStatus = { worker: 0, state: "running", planVersion: 3, restarts: 0, uptime: 5 };

function nodeState(changes: Partial<NodeState> = {}): NodeState {
  const input = {
    admin: { listen: "127.0.0.1:9900", token },
    listeners: { web: { listen: "127.0.0.1:0", pool: "p" } },
    pools: { p: { servers: ["127.0.0.1:9001", { address: "127.0.0.1:9002", id: "two", weight: 3 }] } },
  };
  const { config } = normaliseConfig(input, { extensions: { algorithms, filters: [] } });
  const snapshot = createSnapshot(3, config!, { p: [0, 1] }, []);
  const clock = { now: () => 6000, wall: () => 0 };
  const scoreboard = Scoreboard.create({ servers: 4, workers: 1 });
  const health = new NodeHealth({
    scoreboard,
    clock,
    random: seededRandom(1),
    log: () => undefined,
    probes: () => [],
    algorithms: () => algorithms,
  });
  health.follow(snapshot);
  healths.push(health);
  return {
    version: "1.2.3",
    clock,
    startedAt: 1000,
    scoreboard,
    health,
    certificates,
    snapshot: () => snapshot,
    config: () => snapshot.config,
    discovery: () => undefined,
    addresses: () => ({ web: ["http://127.0.0.1:8080"] }),
    workers: () => [running],
    algorithms: () => algorithms,
    draining: () => false,
    acme: () => [],
    reload: () => undefined,
    ...changes,
  };
}

async function listening(state = nodeState(), withToken?: string): Promise<string> {
  const server = new AdminServer(state, { listen: "127.0.0.1:0", token: withToken }, () => undefined);
  servers.push(server);
  return server.listen();
}

/** As fetch, but with any Host field. */
function get(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const call = request(url, { headers }, (response) => {
      let text = "";
      response.on("data", (part: Buffer) => (text += part.toString()));
      response.on("end", () =>
        resolve({ status: response.statusCode!, body: JSON.parse(text) as Record<string, unknown> }),
      );
    });
    call.on("error", reject).end();
  });
}

describe("probes", () => {
  it("say that the process lives and that the node is ready", async () => {
    const url = await listening();
    expect(await get(`${url}/healthz`)).toEqual({ status: 200, body: { status: "ok" } });
    expect(await get(`${url}/readyz`)).toEqual({ status: 200, body: { status: "ready", reasons: [] } });
  });

  it.each<[string, Partial<NodeState>, RegExp]>([
    ["before the first configuration", { snapshot: () => undefined }, /starting/],
    ["while it drains", { draining: () => true }, /draining/],
    ["while a worker runs an older plan", { workers: () => [{ ...running, planVersion: 2 }] }, /plan 2 of 3/],
    ["while a worker is replaced", { workers: () => [{ ...running, state: "restarting" }] }, /restarting/],
  ])("say why it is not ready %s", async (_when, changes, reason) => {
    const url = await listening(nodeState(changes));
    const { status, body } = await get(`${url}/readyz`);
    expect(status).toBe(503);
    expect((body["reasons"] as string[]).join()).toMatch(reason);
    expect((await get(`${url}/healthz`)).status).toBe(200);
  });
});

describe("live counters", () => {
  it("of servers, pools, listeners and the node", async () => {
    const state = nodeState();
    const worker = Scoreboard.attach(state.scoreboard.handle, 0);
    worker.begin(1);
    worker.connectionOpened(1);
    worker.complete(1, 20, true, 200, 5000);
    worker.complete(1, NaN, false, 0, 5000);
    worker.addBytes(1, 100, 50);
    const place = worker.clients.listenerSlot("web");
    worker.clients.tryAccept(place, 0);
    worker.clients.answered(place, 200, 20);
    const url = await listening(state);

    const { body: pool } = await get(`${url}/api/v2/pools/p`);
    expect(pool).toMatchObject({ name: "p", inFlight: 1, requests: 2, errors: 1, ready: 2 });
    const { body: server } = await get(`${url}/api/v2/servers/two`);
    expect(server["servers"]).toMatchObject([
      {
        pool: "p",
        address: "127.0.0.1:9002",
        state: "up",
        weight: 3,
        inFlight: 1,
        connections: 1,
        requests: 2,
        errors: 1,
        bytesIn: 100,
        bytesOut: 50,
        statuses: { none: 1, "2xx": 1 },
        latency: { average: 20, peak: 20, mean: 20 },
        errorRate: 0.5,
        utilisation: null,
      },
    ]);
    const { body: all } = await get(`${url}/api/v2/servers?pool=p`);
    expect((all["servers"] as { id: string }[]).map(({ id }) => id)).toEqual(["127.0.0.1:9001", "two"]);
    const { body: listeners } = await get(`${url}/api/v2/listeners`);
    expect(listeners["listeners"]).toMatchObject([
      { name: "web", addresses: ["http://127.0.0.1:8080"], connections: 1, openConnections: 1, requests: 1 },
    ]);
    const { body: status } = await get(`${url}/api/v2/status`);
    expect(status).toMatchObject({ version: "1.2.3", uptime: 5, ready: true, snapshot: 3, totals: { requests: 1 } });
  });

  it("answers 404 with problem details for what there is not", async () => {
    const url = await listening();
    const unknown = [
      ["/api/v2/pools/constructor", "unknown_pool"],
      ["/api/v2/servers/x", "unknown_server"],
      ["/api/v2/servers?pool=x", "unknown_pool"],
      ["/nothing", "not_found"],
    ] as const;
    for (const [path, code] of unknown) {
      expect(await get(url + path)).toMatchObject({
        status: 404,
        body: { status: 404, code, title: expect.any(String) },
      });
    }
  });

  it("answers 405 with the methods that a path takes", async () => {
    const url = await listening();
    const response = await fetch(`${url}/api/v2/reload`);
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("POST");
    expect(await response.json()).toMatchObject({ code: "method_not_allowed" });
  });

  it("lists algorithms, and the configuration without secrets", async () => {
    const url = await listening();
    const { body } = await get(`${url}/api/v2/algorithms`);
    expect((body["algorithms"] as unknown[]).length).toBe(algorithms.length);
    const { body: config } = await get(`${url}/api/v2/config`);
    expect(config).toMatchObject({ version: 3, config: { admin: { token: "[redacted]" } } });
    expect(JSON.stringify(config)).not.toContain(token);
  });
});

describe("access", () => {
  it("needs the token where there is one, but for probes", async () => {
    const url = await listening(nodeState(), token);
    const status = async (authorization?: string) =>
      (await get(`${url}/api/v2/status`, authorization === undefined ? {} : { authorization })).status;
    expect(await status()).toBe(401);
    expect(await status("Bearer wrong")).toBe(401);
    expect(await status(`Basic ${token}`)).toBe(401);
    expect(await status(`Bearer ${token}`)).toBe(200);
    expect((await get(`${url}/api/v2/nothing`)).status).toBe(401);
    expect((await get(`${url}/healthz`)).status).toBe(200);
  });

  it("is refused to pages of other sites and under names that are not this machine's", async () => {
    const url = await listening();
    expect(await get(`${url}/api/v2/config`, { host: "evil.example" })).toMatchObject({
      status: 421,
      body: { code: "wrong_host" },
    });
    expect(await get(`${url}/healthz`, { origin: "http://evil.example" })).toMatchObject({
      status: 403,
      body: { code: "cross_origin" },
    });
    for (const host of ["localhost:1", "127.0.0.1", "[::1]:80", "LOCALHOST"]) {
      expect((await get(`${url}/healthz`, { host })).status).toBe(200);
    }
  });

  it("holds no more than 256 connections, since the descriptors are traffic's as well", async () => {
    const { port, hostname } = new URL(await listening());
    const sockets: Socket[] = [];
    let ended = 0;
    await new Promise<void>((resolve) => {
      for (let i = 0; i < 300; i++) {
        const socket = connect(Number(port), hostname);
        socket.on("error", () => undefined);
        socket.on("close", () => ++ended === 44 && resolve());
        sockets.push(socket);
      }
    });
    expect(sockets.filter((socket) => !socket.destroyed).length).toBe(256);
    for (const socket of sockets) socket.destroy();
  });

  it("is not opened to other machines without a token", () => {
    expect(() => new AdminServer(nodeState(), { listen: "0.0.0.0:0" }, () => undefined)).toThrow(/token is required/);
  });

  it("is possible over a unix socket, even where a dead process left its file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "evenkeel-admin-"));
    try {
      const path = join(folder, "admin.sock");
      const server = new AdminServer(nodeState(), { listen: `unix:${path}` }, () => undefined);
      servers.push(server);
      expect(await server.listen()).toBe(`unix:${path}`);
      const status = await new Promise((resolve) => {
        request({ socketPath: path, path: "/healthz" }, (response) => resolve(response.resume().statusCode)).end();
      });
      expect(status).toBe(200);
      const second = new AdminServer(nodeState(), { listen: `unix:${path}` }, () => undefined);
      await expect(second.listen()).rejects.toMatchObject({ code: "EADDRINUSE" });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

async function post(reload: NodeState["reload"]) {
  const response = await fetch(`${await listening(nodeState({ reload }))}/api/v2/reload`, { method: "POST" });
  return { status: response.status, body: (await response.json()) as unknown };
}

describe("reload", () => {
  const outcome = { version: 4, changes: ["x"], problems: [] };

  it("says what came of it", async () => {
    expect(await post(async () => ({ ...outcome, result: "applied" }))).toEqual({
      status: 200,
      body: { ...outcome, result: "applied" },
    });
    expect(await post(async () => ({ ...outcome, result: "kept" }))).toMatchObject({
      status: 422,
      body: { code: "bad_configuration" },
    });
    expect(await post(() => undefined)).toMatchObject({ status: 409, body: { code: "no_file" } });
  });

  it("does not tell a cause that is only for the log", async () => {
    const answer = await post(async () => {
      throw new Error("secret path");
    });
    expect(answer).toMatchObject({ status: 500, body: { code: "internal" } });
    expect(JSON.stringify(answer)).not.toContain("secret");
  });
});
