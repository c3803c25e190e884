import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { createLoadBalancer, type HealthEvent } from "../../src/index.ts";
import { atEnd } from "../support/cleanup.ts";
import { type Evenkeel, runEvenkeel, startEvenkeel } from "../support/evenkeel.ts";
import { freePort } from "../support/origins.ts";
import { waitFor } from "../support/wait.ts";

/** A server whose answer on /health a test decides, and which counts what it is asked. */
interface Sick {
  readonly address: string;
  readonly port: number;
  status: number;
  body: string;
  readonly checks: { readonly at: number; readonly host: string }[];
  requests: number;
}

async function startSick(host = "127.0.0.1"): Promise<Sick> {
  const server = createServer((request, response) => {
    if (request.url === "/health") {
      sick.checks.push({ at: Date.now(), host: request.headers.host ?? "" });
      response.statusCode = sick.status;
      response.end(sick.body);
      return;
    }
    sick.requests++;
    response.end(String(port));
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  atEnd(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  const sick: Sick = { address: `127.0.0.1:${port}`, port, status: 200, body: "ok", checks: [], requests: 0 };
  return sick;
}

interface ServerEntry {
  readonly id: string;
  readonly state: string;
  readonly health: {
    readonly state: string | null;
    readonly flags: readonly string[];
    readonly reason: string | null;
    readonly lastFailure: { readonly reason: string } | null;
  };
}

async function server(evenkeel: Evenkeel, id: string): Promise<ServerEntry> {
  const { servers } = (await evenkeel.admin(`/api/v2/servers/${encodeURIComponent(id)}`)) as { servers: ServerEntry[] };
  return servers[0]!;
}

async function waitForState(evenkeel: Evenkeel, id: string, state: string): Promise<ServerEntry> {
  return waitFor(`${id} to be ${state}`, async () => {
    const entry = await server(evenkeel, id);
    return entry.state === state ? entry : undefined;
  });
}

function config(
  servers: readonly unknown[],
  healthCheck: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>> = {},
) {
  return {
    workers: 2,
    listeners: { web: { listen: "127.0.0.1:0", pool: "web" } },
    pools: {
      web: { servers, healthCheck: { interval: "100ms", unhealthyInterval: "100ms", ...healthCheck }, ...more },
    },
  };
}

/** Ports of the servers that answered so many requests. */
async function answers(evenkeel: Evenkeel, count: number): Promise<Set<number>> {
  const ports = new Set<number>();
  for (let i = 0; i < count; i++) ports.add(Number(await (await fetch(evenkeel.url())).text()));
  return ports;
}

describe("active checks", () => {
  it("take a server out that answers 500 on /health, say why, and bring it back", async () => {
    const [a, b] = [await startSick(), await startSick()];
    const evenkeel = await startEvenkeel({ config: config([a.address, b.address], { type: "http", path: "/health" }) });
    await waitFor("first checks", () => a.checks.length > 0 && b.checks.length > 0);
    expect(await answers(evenkeel, 20)).toEqual(new Set([a.port, b.port]));

    a.status = 500;
    const down = await waitForState(evenkeel, a.address, "down");
    expect(down.health).toMatchObject({ state: "unhealthy", flags: ["unhealthy"] });
    expect(down.health.reason).toMatch(/^unhealthy: status 500/);
    expect(await answers(evenkeel, 20)).toEqual(new Set([b.port]));
    await evenkeel.waitForLog(/warn .*server \S+ of pool web: unhealthy \(status 500/);

    const shown = await runEvenkeel(["servers", "--admin", evenkeel.url("admin")]);
    expect(shown.stdout).toMatch(/^web +\S+ +down .* unhealthy: status 500/m);
    const glance = await runEvenkeel(["status", "--admin", evenkeel.url("admin")]);
    expect(glance.stdout).toMatch(/^web +1 +2$/m);

    a.status = 200;
    const up = await waitForState(evenkeel, a.address, "up");
    expect(up.health).toMatchObject({ flags: [], reason: null });
    expect(up.health.lastFailure?.reason).toMatch(/^status 500/);
    await waitFor("traffic for both", async () => (await answers(evenkeel, 10)).size === 2);
    const { events } = (await evenkeel.admin("/api/v2/events")) as { events: { what: string; server: string }[] };
    expect(events.map(({ what, server: id }) => [what, id])).toEqual([
      ["unhealthy", a.address],
      ["healthy", a.address],
    ]);
    const { servers } = (await evenkeel.admin(`/api/v2/servers/${a.address}/health`)) as {
      servers: { history: { outcome: string }[] }[];
    };
    expect(servers[0]!.history.filter(({ outcome }) => outcome === "unhealthy").length).toBeGreaterThanOrEqual(3);
  });

  it("go by conditions on JSON", async () => {
    const [a, b] = [await startSick(), await startSick()];
    a.body = b.body = JSON.stringify({ database_connected: true, cpu_usage: 40 });
    const json = ["database_connected == true", "cpu_usage <= 95"];
    const evenkeel = await startEvenkeel({
      config: config([a.address, b.address], { type: "http", path: "/health", json }),
    });
    await waitFor("first checks", () => a.checks.length > 1 && b.checks.length > 1);
    expect((await server(evenkeel, a.address)).state).toBe("up");
    a.body = JSON.stringify({ database_connected: true, cpu_usage: 96 });
    const { health } = await waitForState(evenkeel, a.address, "down");
    expect(health.reason).toContain("cpu_usage");
    a.body = JSON.stringify({ database_connected: true, cpu_usage: 95 });
    await waitForState(evenkeel, a.address, "up");
  });

  it("are made once per server and interval, whatever the number of workers", async () => {
    const counts: number[] = [];
    for (const workers of [1, 3]) {
      const sick = await startSick();
      const evenkeel = await startEvenkeel({
        config: { ...config([sick.address], { type: "http", path: "/health", interval: "200ms", jitter: 0 }), workers },
      });
      await waitFor("the first checks", () => sick.checks.length >= 3);
      const from = sick.checks.length;
      await waitFor("15 more", () => sick.checks.length >= from + 15);
      const times = sick.checks.slice(from, from + 15).map(({ at }) => at);
      counts.push((times.at(-1)! - times[0]!) / 14);
      await evenkeel.stop();
    }
    for (const interval of counts) {
      expect(interval).toBeGreaterThan(170);
      expect(interval).toBeLessThan(400);
    }
  });

  it("hold an added server back until it is well, and let the others serve meanwhile", async () => {
    const [a, b] = [await startSick(), await startSick()];
    const check = { type: "http", path: "/health" };
    const evenkeel = await startEvenkeel({ config: config([a.address], check) });
    await waitFor("the first check", () => a.checks.length > 0);
    b.status = 503;
    evenkeel.writeConfig({ admin: { listen: "127.0.0.1:0" }, ...config([a.address, b.address], check) });
    evenkeel.signal("SIGHUP");
    await evenkeel.waitForLog(/configuration 2 is in use/);
    expect(await answers(evenkeel, 20)).toEqual(new Set([a.port]));
    expect(b.requests).toBe(0);
    await waitFor("a bad check", async () => (await server(evenkeel, b.address)).health.state === "unhealthy");
    b.status = 200;
    await waitForState(evenkeel, b.address, "up");
    await waitFor("traffic for both", async () => (await answers(evenkeel, 10)).size === 2);
  });

  it("bring the first server of a dead pool back with one good check", async () => {
    const [a, b] = [await startSick(), await startSick()];
    a.status = b.status = 500;
    const evenkeel = await startEvenkeel({
      config: config([a.address, b.address], { type: "http", path: "/health", healthyThreshold: 100 }),
    });
    await waitForState(evenkeel, a.address, "down");
    await waitForState(evenkeel, b.address, "down");
    expect((await fetch(evenkeel.url())).status).toBe(503);
    await evenkeel.waitForLog(/warn .*pool web: failed \(0 of 2 servers ready\)/);
    a.status = 200;
    await waitForState(evenkeel, a.address, "up");
    expect(await answers(evenkeel, 10)).toEqual(new Set([a.port]));
    expect((await server(evenkeel, b.address)).state).toBe("down");
  });

  it("find a thousand servers at 2 s, each in its interval, and traffic goes on", { timeout: 60_000 }, async () => {
    const sick = await startSick("0.0.0.0");
    const servers = Array.from(
      { length: 1_000 },
      (_, i) => `127.0.${1 + Math.floor(i / 250)}.${1 + (i % 250)}:${sick.port}`,
    );
    const evenkeel = await startEvenkeel({
      config: config(servers, { type: "http", path: "/health", interval: "2s", unhealthyInterval: "2s" }),
    });
    const asked = () => new Set(sick.checks.map(({ host }) => host));
    await waitFor("a check of each", () => asked().size === 1_000, 20_000);
    const from = Date.now();
    const first = sick.checks.length;
    let served = 0;
    while (Date.now() - from < 6_000) {
      const answer = await fetch(evenkeel.url());
      expect(answer.status).toBe(200);
      await answer.text();
      served++;
    }
    expect(served).toBeGreaterThan(100);
    // Three intervals: each server was asked about three times, and no second worker asked once more.
    const checks = sick.checks.slice(first);
    const perServer = new Map<string, number>();
    for (const { host } of checks) perServer.set(host, (perServer.get(host) ?? 0) + 1);
    expect(perServer.size).toBe(1_000);
    expect(checks.length).toBeGreaterThan(1_500);
    expect(checks.length).toBeLessThan(3_800);
    const { pools } = (await evenkeel.admin("/api/v2/pools")) as { pools: { ready: number; healthyShare: number }[] };
    expect(pools[0]).toMatchObject({ ready: 1_000, healthyShare: 1 });
  });
});

describe("without checks", () => {
  it("a server that refuses connections is out, and back a moment after it listens again", async () => {
    const a = await startSick();
    const port = await freePort();
    const evenkeel = await startEvenkeel({
      config: {
        workers: 2,
        listeners: { web: { listen: "127.0.0.1:0", pool: "web" } },
        pools: { web: { servers: [a.address, `127.0.0.1:${port}`] } },
      },
    });
    const gone = `127.0.0.1:${port}`;
    expect(await answers(evenkeel, 10)).toEqual(new Set([a.port]));
    const entry = await waitForState(evenkeel, gone, "down");
    expect(entry.health).toMatchObject({
      state: null,
      flags: ["unreachable"],
      reason: expect.stringMatching(/^unreachable: /),
    });

    const back = createServer((_request, response) => response.end(String(port)));
    await new Promise<void>((resolve) => back.listen(port, "127.0.0.1", resolve));
    atEnd(() => {
      back.closeAllConnections();
      return new Promise((resolve) => back.close(resolve));
    });
    const listening = Date.now();
    await waitForState(evenkeel, gone, "up");
    expect(Date.now() - listening).toBeLessThan(3_000);
    await waitFor("traffic for both", async () => (await answers(evenkeel, 10)).size === 2);
  });
});

describe("in a program of one's own", () => {
  it("events come to a callback, and the statistics show the health", async () => {
    const [a, b] = [await startSick(), await startSick()];
    const events: HealthEvent[] = [];
    const settings = { path: "/health" };
    const healthCheck = { type: "http", interval: 100, unhealthyInterval: 100, settings };
    const balancer = createLoadBalancer(
      {
        workers: 1,
        listeners: { web: { listen: "127.0.0.1:0", pool: "web" } },
        pools: { web: { servers: [a.address, b.address], healthCheck: [healthCheck] } },
      },
      { onHealthEvent: (event) => events.push(event) },
    );
    atEnd(() => balancer.stop());
    await balancer.start();
    a.status = 500;
    await waitFor("the event", () => events.some(({ what, server: id }) => what === "unhealthy" && id === a.address));
    const entry = balancer.stats().pools["web"]?.find(({ id }) => id === a.address);
    expect(entry?.health).toMatchObject({ state: "unhealthy", flags: ["unhealthy"] });
  });
});
