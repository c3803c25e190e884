import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { a, srv, startDnsServer, zone } from "../support/dns-server.ts";
import type { Evenkeel } from "../support/evenkeel.ts";
import { Load } from "../support/load.ts";
import { serverCounters, startProxy, webConfig } from "../support/proxy.ts";
import { exchange } from "../support/raw-client.ts";
import { type OriginScript, startRawOrigin } from "../support/raw-origin.ts";
import { waitFor } from "../support/wait.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

const named =
  (name: string): OriginScript =>
  (_, connection) =>
    connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`);

const answer = async (evenkeel: Evenkeel) => (await exchange(evenkeel.port(), GET)).body.toString();

const origin = (name: string) => startRawOrigin(named(name));

const portOf = (address: string) => Number(address.split(":")[1]);

/** The source as the REST interface shows it. */
async function status(evenkeel: Evenkeel) {
  const { discovery } = (await evenkeel.admin("/api/v2/pools/web")) as {
    discovery: { type: string; servers: number; lastSuccess: string | null; lastError: { reason: string } | null };
  };
  return discovery;
}

const ids = async (evenkeel: Evenkeel) => (await serverCounters(evenkeel)).map(({ id }) => id);

describe("a pool whose servers come from the DNS", () => {
  it("has them when the program is ready, follows them under load without an error, and keeps them while nobody answers", async () => {
    const one = await origin("one");
    const port = portOf(one.address);
    // The same port on another address of the loopback network: a name has addresses, not ports.
    const two = await startRawOrigin(named("two"), port, "127.0.0.2");
    const dns = await startDnsServer(zone([a("web.test", "127.0.0.1")]));
    const discovery = { type: "dns", name: "web.test", port, resolvers: dns.address, minRefresh: 50, maxRefresh: 100 };
    const evenkeel = await startProxy([], { workers: 2, pool: { discovery: { ...discovery, timeout: 100 } } });
    expect(await answer(evenkeel)).toBe("one");
    expect(await ids(evenkeel)).toEqual([one.address]);

    const load = new Load(evenkeel.port(), { clients: 8, request: () => GET, fresh: (client) => client % 2 === 0 });
    dns.script = zone([a("web.test", "127.0.0.1"), a("web.test", "127.0.0.2")]);
    await waitFor("traffic on the new server", () => two.requests.length > 20);
    dns.script = zone([a("web.test", "127.0.0.2")]);
    await waitFor("the removal of the first server", async () => (await ids(evenkeel)).join() === two.address);
    expect(await answer(evenkeel)).toBe("two");

    for (const reply of [undefined, { rcode: 2 }, { rcode: 5 }, Buffer.from("garbage")]) {
      const asked = dns.questions.length;
      dns.script = () => reply;
      await waitFor("several more questions", () => dns.questions.length > asked + 4);
      expect(await ids(evenkeel)).toEqual([two.address]);
    }
    dns.close();
    await waitFor("the failure to be shown", async () =>
      /nobody listens/.test((await status(evenkeel)).lastError!.reason),
    );
    expect(await answer(evenkeel)).toBe("two");
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(await status(evenkeel)).toMatchObject({ type: "dns", servers: 1 });
    // Each state of affairs is said once, and not with every attempt.
    expect(evenkeel.log.filter((line) => /SERVFAIL/.test(line))).toHaveLength(1);
  });

  it("believes that there are none only when that has lasted", async () => {
    const one = await origin("one");
    const dns = await startDnsServer(zone([a("web.test", "127.0.0.1")]));
    const evenkeel = await startProxy([], {
      pool: {
        discovery: {
          type: "dns",
          name: "web.test",
          port: portOf(one.address),
          resolvers: dns.address,
          minRefresh: 20,
          maxRefresh: 50,
          emptyAfter: 1500,
        },
      },
    });
    const asked = dns.questions.length;
    const since = Date.now();
    dns.script = zone([]);
    await waitFor("several more questions", () => dns.questions.length > asked + 4);
    expect(await answer(evenkeel)).toBe("one");
    await waitFor("the pool to be empty", async () => (await ids(evenkeel)).length === 0);
    expect(Date.now() - since).toBeGreaterThanOrEqual(1500);
    expect((await exchange(evenkeel.port(), GET)).status).toBe(503);
    dns.script = zone([a("web.test", "127.0.0.1")]);
    await waitFor("the server to be back", async () => (await answer(evenkeel)) === "one");
  });

  it("starts without them when the DNS does not answer, and gets them when it does", async () => {
    const [one, two] = [await origin("one"), await origin("two")];
    const dns = await startDnsServer(() => undefined);
    const discovery = { type: "dns", name: "web.test", port: portOf(two.address), resolvers: dns.address };
    const evenkeel = await startProxy([one.address], {
      pool: { discovery: { ...discovery, minRefresh: 50, maxRefresh: 100, timeout: 100 } },
    });
    expect(await answer(evenkeel)).toBe("one");
    dns.script = zone([a("web.test", "127.0.0.1")]);
    await waitFor("the found server", async () => (await answer(evenkeel)) === "two");
    expect(await ids(evenkeel)).toEqual([one.address, two.address]);
    const { config } = (await evenkeel.admin("/api/v2/config")) as {
      config: { pools: { web: { servers: { address: string }[] } } };
    };
    expect(config.pools.web.servers.map(({ address }) => address)).toEqual([one.address]);
  });

  it("keeps what was found over a reload that is about something else, and over a change of the source", async () => {
    const one = await origin("one");
    const dns = await startDnsServer(zone([a("web.test", "127.0.0.1")]));
    const discovery = {
      type: "dns",
      name: "web.test",
      port: portOf(one.address),
      resolvers: dns.address,
      timeout: 100,
    };
    const evenkeel = await startProxy([], { pool: { discovery } });
    expect(await answer(evenkeel)).toBe("one");
    dns.script = () => undefined;
    for (const pool of [{ discovery, drainTimeout: "1m" }, { discovery: { ...discovery, name: "other.test" } }]) {
      const from = evenkeel.log.length;
      evenkeel.writeConfig(webConfig([], { pool }));
      evenkeel.signal("SIGHUP");
      await evenkeel.waitForLog(/is in use/, from);
      expect(await answer(evenkeel)).toBe("one");
    }
  });

  it("does not take cloud metadata services", async () => {
    const one = await origin("one");
    const dns = await startDnsServer(zone([a("web.test", "169.254.169.254"), a("web.test", "127.0.0.1")]));
    const discovery = { type: "dns", name: "web.test", port: portOf(one.address), resolvers: dns.address };
    const evenkeel = await startProxy([], { pool: { discovery } });
    expect(await ids(evenkeel)).toEqual([one.address]);
    await evenkeel.waitForLog(/without 169\.254\.169\.254:\d+ \(a cloud metadata service/);
  });
});

describe("a pool whose servers come from SRV records", () => {
  it("shares traffic by their weights, and turns to the next priority when the first is gone", async () => {
    const [light, heavy, spare] = [await origin("light"), await origin("heavy"), await origin("spare")];
    const service = "_http._tcp.web.test";
    const records = [
      srv(service, "a.web.test", portOf(light.address), 1, 10),
      srv(service, "b.web.test", portOf(heavy.address), 3, 10),
      srv(service, "c.web.test", portOf(spare.address), 1, 20),
    ];
    const addresses = ["a", "b", "c"].map((name) => a(`${name}.web.test`, "127.0.0.1"));
    const dns = await startDnsServer(zone([...records, ...addresses]));
    const discovery = { type: "dns_srv", name: service, resolvers: dns.address, minRefresh: 50, maxRefresh: 100 };
    const evenkeel = await startProxy([], { pool: { discovery } });
    const counts: Record<string, number> = {};
    for (let i = 0; i < 200; i++) {
      const name = await answer(evenkeel);
      counts[name] = (counts[name] ?? 0) + 1;
    }
    expect(counts).toEqual({ light: 50, heavy: 150 });
    dns.script = zone([records[2]!, addresses[2]!]);
    await waitFor("the spare one", async () => (await answer(evenkeel)) === "spare");
  });
});

describe("a pool whose servers come from a file", () => {
  it("follows the file, and keeps its servers while the file is broken", async () => {
    const [one, two] = [await origin("one"), await origin("two")];
    const evenkeel = await startProxy([], {
      files: { "servers.yaml": `- ${one.address}\n` },
      pool: { discovery: { type: "file", path: "servers.yaml" } },
    });
    expect(await answer(evenkeel)).toBe("one");
    const file = join(evenkeel.folder, "servers.yaml");
    const from = evenkeel.log.length;
    writeFileSync(file, `- ${two.address}\n- { address: ${one.address}, wieght: 2 }\n`);
    const line = await evenkeel.waitForLog(/discovery file/, from);
    expect(line).toMatch(/servers\.yaml:2:\d+: \[1\]\.wieght: unknown key; did you mean "weight"\?/);
    expect(await answer(evenkeel)).toBe("one");
    writeFileSync(`${file}~`, JSON.stringify({ servers: [{ address: two.address, weight: 2 }] }));
    renameSync(`${file}~`, file);
    await waitFor("the other server", async () => (await answer(evenkeel)) === "two");
    expect(await ids(evenkeel)).toEqual([two.address]);
  });
});

describe("a pool whose servers come from a module", () => {
  it("has them, and a module that fails leaves traffic alone", async () => {
    const one = await origin("one");
    const evenkeel = await startProxy([], {
      files: {
        "own.mjs": `
          import { defineDiscovery } from "evenkeel";
          export default defineDiscovery({
            name: "own",
            summary: "Test source.",
            schema: { type: "object", properties: { address: { type: "string" } }, required: ["address"] },
            watch({ address }, listener) {
              const first = setTimeout(() => listener.servers([{ address, weight: 2 }]), 10);
              const later = setTimeout(() => listener.servers("nonsense"), 300);
              return { close() { clearTimeout(first); clearTimeout(later); }, refresh() {} };
            },
          });`,
      },
      pool: { discovery: { type: "own", address: one.address } },
      top: { modules: ["./own.mjs"] },
    });
    expect(await answer(evenkeel)).toBe("one");
    await evenkeel.waitForLog(/discovery own: .*not a list/);
    expect(await answer(evenkeel)).toBe("one");
  });
});
