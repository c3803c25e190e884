import { describe, expect, it } from "vitest";
import type { Evenkeel } from "../support/evenkeel.ts";
import { Load } from "../support/load.ts";
import { startProxy, webConfig } from "../support/proxy.ts";
import { exchange, RawClient } from "../support/raw-client.ts";
import { type OriginConnection, type OriginScript, startRawOrigin } from "../support/raw-origin.ts";
import { waitFor } from "../support/wait.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

const named =
  (name: string): OriginScript =>
  (_, connection) =>
    connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`);

async function answer(evenkeel: Evenkeel): Promise<string> {
  return (await exchange(evenkeel.port(), GET)).body.toString();
}

describe("reload", () => {
  it.each(["SIGHUP", "the file change"] as const)("by %s changes the servers, and says what changed", async (how) => {
    const [one, two] = [await startRawOrigin(named("one")), await startRawOrigin(named("two"))];
    const evenkeel = await startProxy([one.address], { workers: 2 });
    expect(await answer(evenkeel)).toBe("one");
    const from = evenkeel.log.length;
    const port = evenkeel.port();
    evenkeel.writeConfig(webConfig([two.address], { workers: 2 }));
    if (how === "SIGHUP") evenkeel.signal("SIGHUP");
    await waitFor("the new server", async () => (await answer(evenkeel)) === "two");
    await evenkeel.waitForLog(new RegExp(two.address.replaceAll(".", "\\.")), from);
    await evenkeel.waitForLog(new RegExp(one.address.replaceAll(".", "\\.")), from);
    // A port-0 listener keeps the port that it got.
    expect(evenkeel.port()).toBe(port);
    for (let i = 0; i < 20; i++) expect(await answer(evenkeel)).toBe("two");
  });

  it("with a bad file keeps the old configuration and says why", async () => {
    const [one, two] = [await startRawOrigin(named("one")), await startRawOrigin(named("two"))];
    const evenkeel = await startProxy([one.address]);
    for (const [bad, reason] of [
      ["{ not json", /evenkeel\.json:\d+:\d+/],
      [JSON.stringify({ listeners: { web: { listen: "127.0.0.1:0", pool: "nowhere" } } }), /nowhere/],
      [JSON.stringify({ lisetners: {} }), /lisetners.*listeners/],
    ] as const) {
      const from = evenkeel.log.length;
      evenkeel.writeConfig(bad);
      evenkeel.signal("SIGHUP");
      await evenkeel.waitForLog(reason, from);
      expect(await answer(evenkeel)).toBe("one");
    }
    evenkeel.writeConfig(webConfig([two.address]));
    evenkeel.signal("SIGHUP");
    await waitFor("the new server", async () => (await answer(evenkeel)) === "two");
  });

  it("lets requests in flight finish on the servers that they began with", async () => {
    const waiting: OriginConnection[] = [];
    const [one, two] = [
      await startRawOrigin((_, connection) => waiting.push(connection)),
      await startRawOrigin(named("two")),
    ];
    const evenkeel = await startProxy([one.address]);
    const client = await RawClient.connect(evenkeel.port());
    await client.send(GET);
    await one.waitForRequests(1);
    const from = evenkeel.log.length;
    evenkeel.writeConfig(webConfig([two.address]));
    evenkeel.signal("SIGHUP");
    await evenkeel.waitForLog(/is in use/, from);
    expect(await answer(evenkeel)).toBe("two");
    waiting[0].send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
    expect((await client.response()).body.toString()).toBe("late");
    await waitFor("connections to the removed server to be closed", () => one.open === 0);
  });

  it("opens new listeners and closes those that are gone", async () => {
    const origin = await startRawOrigin(named("one"));
    const evenkeel = await startProxy([origin.address], { workers: 2 });
    const two = {
      ...webConfig([origin.address]),
      listeners: { extra: { listen: "127.0.0.1:0", pool: "web" } },
      workers: 2,
    };
    evenkeel.writeConfig(two);
    evenkeel.signal("SIGHUP");
    const view = await waitFor("the new listener", async () => {
      const { listeners } = (await evenkeel.admin("/api/v2/listeners")) as {
        listeners: { name: string; addresses: string[] }[];
      };
      return listeners.find(({ name, addresses }) => name === "extra" && addresses.length > 0);
    });
    const port = Number(new URL(view.addresses[0]).port);
    expect((await exchange(port, GET)).body.toString()).toBe("one");
    await waitFor("the old listener to be closed", () =>
      exchange(evenkeel.port(), GET).then(
        () => false,
        () => true,
      ),
    );
  });

  it("of the same file changes nothing", async () => {
    const origin = await startRawOrigin(named("one"));
    const evenkeel = await startProxy([origin.address]);
    const version = async () => ((await evenkeel.admin("/api/v2/status")) as { snapshot: number }).snapshot;
    const before = await version();
    const from = evenkeel.log.length;
    evenkeel.signal("SIGHUP");
    await evenkeel.waitForLog(/no change|unchanged|same|nothing/i, from);
    expect(await version()).toBe(before);
  });

  it("under load loses no request", { timeout: 60_000 }, async () => {
    const origins = [
      await startRawOrigin(named("0")),
      await startRawOrigin(named("1")),
      await startRawOrigin(named("2")),
    ];
    const evenkeel = await startProxy([origins[0].address], { workers: 2 });
    // Half of the clients use a connection per request, which meets the listeners at every moment.
    const load = new Load(evenkeel.port(), { clients: 16, request: () => GET, fresh: (i) => i % 2 === 0 });
    for (let round = 1; round <= 20; round++) {
      const used = [origins[round % 3], origins[(round + 1) % 3]].map(({ address }) => address);
      const next = origins[(round + 1) % 3];
      const before = next.requests.length;
      const pool = { algorithm: round % 2 === 0 ? "random" : "least_connections" };
      evenkeel.writeConfig(webConfig(used, { workers: 2, pool }));
      evenkeel.signal("SIGHUP");
      await waitFor(`the servers of round ${round}`, () => next.requests.length > before + 50);
    }
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(load.served).toBeGreaterThan(1000);
  });
});
