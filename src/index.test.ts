import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError, createLoadBalancer, type LoadBalancer } from "./index.ts";

let origins: Server[];
let servers: string[];
let balancer: LoadBalancer | undefined;
beforeEach(async () => {
  origins = ["one", "two"].map((name) => createServer((_request, response) => response.end(name)));
  servers = await Promise.all(
    origins.map(
      (origin) =>
        new Promise<string>((resolve) => {
          origin.listen(0, "127.0.0.1", () => resolve(`127.0.0.1:${(origin.address() as AddressInfo).port}`));
        }),
    ),
  );
});
afterEach(async () => {
  await balancer?.stop();
  for (const origin of origins) {
    origin.closeAllConnections();
    origin.close();
  }
});

function config(count: number) {
  return {
    workers: 1,
    listeners: { web: { listen: "127.0.0.1:0", pool: "p" } },
    pools: { p: { algorithm: "round_robin", servers: servers.slice(0, count) } },
  };
}

const text = async (url: string) => (await fetch(url)).text();

describe("the library", () => {
  it("balances, takes another configuration on the same port, counts and drains", async () => {
    balancer = createLoadBalancer(config(1));
    expect(balancer.stats()).toMatchObject({ version: 0, ready: false });
    const { listeners, admin, workers } = await balancer.start();
    expect([admin, workers]).toEqual([undefined, 1]);
    const url = listeners["web"]![0]!;
    expect([await text(url), await text(url)]).toEqual(["one", "one"]);

    expect(await balancer.reload(config(2))).toMatchObject({ result: "applied", version: 2 });
    expect(new Set([await text(url), await text(url)])).toEqual(new Set(["one", "two"]));
    const stats = balancer.stats();
    expect(stats).toMatchObject({ version: 2, ready: true });
    expect(stats.pools["p"]!.map(({ requests }) => requests)).toEqual([3, 1]);

    await balancer.drain(1000);
    await expect(fetch(url)).rejects.toThrow("fetch failed");
    expect(balancer.stats().ready).toBe(false);
  });

  it("rejects a bad configuration with everything that is wrong", async () => {
    const bad = createLoadBalancer({ ...config(1), pools: { p: { servers: ["x"], algorithm: "round_robbin" } } });
    const error = await bad.start().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).problems).toHaveLength(2);
    expect((error as ConfigError).message).toContain("round_robin");
  });

  it("keeps the old configuration when a reload is bad", async () => {
    balancer = createLoadBalancer(config(1));
    const { listeners } = await balancer.start();
    expect(await balancer.reload({ ...config(1), workers: -1 })).toMatchObject({ result: "kept", version: 1 });
    expect(await text(listeners["web"]![0]!)).toBe("one");
  });

  it("starts once", async () => {
    balancer = createLoadBalancer(config(1));
    await expect(balancer.reload(config(1))).rejects.toThrow("has not been started");
    await balancer.start();
    await expect(balancer.start()).rejects.toThrow("started before");
  });
});
