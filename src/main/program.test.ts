import { createServer, type Server, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { spawnEvenkeel, startEvenkeel } from "../../test/support/evenkeel.ts";

let origin: Server;
/** Answers that the origin holds back (path /held). */
let held: ServerResponse[];
let server: string;
beforeEach(async () => {
  held = [];
  origin = createServer((request, response) => {
    if (request.url === "/held") held.push(response);
    else response.end("ok");
  });
  server = await new Promise((resolve) => {
    origin.listen(0, "127.0.0.1", () => resolve(`127.0.0.1:${(origin.address() as AddressInfo).port}`));
  });
});
afterEach(() => {
  origin.closeAllConnections();
  origin.close();
});

function config(more: Record<string, unknown> = {}) {
  return {
    workers: 2,
    listeners: { web: { listen: "127.0.0.1:0", pool: "p" } },
    pools: { p: { servers: [server] } },
    ...more,
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe("the program", () => {
  it("says where it listens, and its REST interface agrees", async () => {
    const evenkeel = await startEvenkeel({ config: config() });
    expect(evenkeel.log.find((line) => line.startsWith("evenkeel ready:"))).toMatch(
      /^evenkeel ready: web=http:\/\/127\.0\.0\.1:\d+ admin=http:\/\/127\.0\.0\.1:\d+ workers=2$/,
    );
    expect(await (await fetch(`${evenkeel.url()}/`)).text()).toBe("ok");
    expect(await evenkeel.admin("/readyz")).toMatchObject({ status: "ready" });
    expect(await evenkeel.admin("/api/v2/servers")).toMatchObject({
      servers: [{ id: server, requests: 1, inFlight: 0 }],
    });
    expect(await evenkeel.admin("/api/v2/listeners")).toMatchObject({
      listeners: [{ name: "web", addresses: [evenkeel.url()] }],
    });
  });

  it("reloads when the file changes, on SIGHUP and over REST, on the same ports", async () => {
    const evenkeel = await startEvenkeel({ config: config() });
    evenkeel.writeConfig({ admin: { listen: "127.0.0.1:0" }, ...config({ drainTimeout: "3s" }) });
    await evenkeel.waitForLog(/drainTimeout/);
    expect(await (await fetch(evenkeel.url())).text()).toBe("ok");
    let from = evenkeel.log.length;
    evenkeel.signal("SIGHUP");
    await evenkeel.waitForLog(/unchanged/, from);
    from = evenkeel.log.length;
    const response = await fetch(`${evenkeel.url("admin")}/api/v2/reload`, { method: "POST" });
    expect(await response.json()).toMatchObject({ result: "unchanged", version: 2 });
  });

  it("keeps the old configuration when the new one is bad", async () => {
    const evenkeel = await startEvenkeel({ config: config() });
    evenkeel.writeConfig('{ "listeners": { "web": { "listen": "127.0.0.1:0", "pool": "nowhere" } } }');
    await evenkeel.waitForLog(/kept the old configuration/);
    await evenkeel.waitForLog(/nowhere/);
    expect(await (await fetch(evenkeel.url())).text()).toBe("ok");
    expect(await evenkeel.admin("/api/v2/status")).toMatchObject({ snapshot: 1, ready: true });
  });

  it("lets a request in flight end after SIGTERM, takes no new one, and ends with 0", async () => {
    const evenkeel = await startEvenkeel({ config: config() });
    const answer = fetch(`${evenkeel.url()}/held`).then((response) => response.text());
    await until(() => held.length === 1);
    evenkeel.signal("SIGTERM");
    await evenkeel.waitForLog(/draining/);
    await until(() => evenkeel.log.some((line) => line.includes("draining")));
    for (;;) {
      const refused = await fetch(evenkeel.url(), { headers: { connection: "close" } }).then(
        () => false,
        () => true,
      );
      if (refused) break;
    }
    held[0]!.end("late");
    expect(await answer).toBe("late");
    expect(await evenkeel.exited).toBe(0);
  });

  it("ends at once with the second signal", async () => {
    const evenkeel = await startEvenkeel({ config: config() });
    const answer = fetch(`${evenkeel.url()}/held`).then(
      () => "answered",
      () => "cut",
    );
    await until(() => held.length === 1);
    evenkeel.signal("SIGTERM");
    await evenkeel.waitForLog(/draining/);
    evenkeel.signal("SIGTERM");
    expect(await evenkeel.exited).toBe(0);
    expect(await answer).toBe("cut");
  });

  it("says in one line that an address is taken, and ends with 1", async () => {
    const taken = createTcpServer();
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, "127.0.0.1", () => resolve((taken.address() as AddressInfo).port));
    });
    const listener = { web: { listen: `127.0.0.1:${port}`, pool: "p" } };
    const cases = [config({ listeners: listener }), config({ admin: { listen: `127.0.0.1:${port}` } })];
    for (const [index, wanted] of cases.entries()) {
      const evenkeel = spawnEvenkeel({ config: wanted });
      expect(await evenkeel.exited).toBe(1);
      const lines = evenkeel.log.filter((line) => line.startsWith("evenkeel: "));
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain(`127.0.0.1:${port}`);
      expect(lines[0]).toContain(index === 0 ? "web" : "admin");
      expect(evenkeel.log.some((line) => line.startsWith("evenkeel ready"))).toBe(false);
    }
    taken.close();
  });

  it("does not share the port of another one that runs", async () => {
    const first = await startEvenkeel({ config: config() });
    const second = spawnEvenkeel({
      config: config({ listeners: { web: { listen: `127.0.0.1:${first.port()}`, pool: "p" } } }),
    });
    expect(await second.exited).toBe(1);
    expect(second.log.join("\n")).toContain(`web: cannot listen on 127.0.0.1:${first.port()}: the address is in use`);
  });

  it("ends with 78 and the place when the configuration is bad", async () => {
    const evenkeel = spawnEvenkeel({ config: "listeners:\n  web:\n    listen: 127.0.0.1:0\n    pol: p\n" });
    expect(await evenkeel.exited).toBe(78);
    expect(evenkeel.log.join("\n")).toMatch(/evenkeel\.yaml:4:5: .*pol/);
  });

  it("says that a hand-over is not there yet, and goes on", async () => {
    const evenkeel = await startEvenkeel({ config: config() });
    evenkeel.signal("SIGUSR2");
    await evenkeel.waitForLog(/SIGUSR2.*not available/);
    expect(await (await fetch(evenkeel.url())).text()).toBe("ok");
  });
});
