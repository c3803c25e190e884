import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BalancingAlgorithm, Server } from "./balancer.ts";
import { Bench, makeServers, setOf } from "./pool.fixture.ts";
import { checkScale } from "./scale.contract.ts";

/** Sizes on both sides of every limit between the small and the big form of an algorithm. */
const sizes = [1, 2, 3, 16, 64, 65, 200, 300];

/** A pool for properties: weights (some 0), which servers are not ready, which are excluded. */
const poolArbitrary = fc.constantFrom(...sizes).chain((size) =>
  fc.record({
    weights: fc.array(fc.constantFrom(0, 0.5, 1, 1, 2, 10), { minLength: size, maxLength: size }),
    down: fc.array(fc.boolean(), { minLength: size, maxLength: size }),
    excluded: fc.array(fc.boolean(), { minLength: size, maxLength: size }),
    seed: fc.integer(),
  }),
);

/**
 * The rules that every balancer keeps, whatever it prefers. Run over every entry of the registry, and meant for own
 * algorithms as well.
 */
export function checkContract(algorithm: BalancingAlgorithm): void {
  describe(`${algorithm.name}: contract`, () => {
    it("chooses a ready server with weight that is not excluded exactly when there is one", () => {
      fc.assert(
        fc.property(poolArbitrary, ({ weights, down, excluded, seed }) => {
          const servers = makeServers(weights);
          const bench = new Bench(algorithm, { seed });
          bench.balancer.update(setOf(servers, (server) => down[server.slot] as boolean));
          const usable = (server: Server) => server.weight > 0 && !down[server.slot];
          bench.context.isExcluded = (server) => excluded[server.slot] as boolean;
          expectAllowed(
            bench,
            servers.filter((server) => usable(server) && !excluded[server.slot]),
          );
          bench.context.isExcluded = () => false;
          expectAllowed(bench, servers.filter(usable));
          bench.context.isExcluded = () => true;
          expect(bench.choose()).toBeUndefined();
        }),
        { numRuns: 60 },
      );
    });

    it("never gets an answer out of an empty pool", () => {
      const bench = new Bench(algorithm);
      expect(bench.choose()).toBeUndefined();
      bench.balancer.update(setOf([]));
      expect(bench.choose()).toBeUndefined();
      const servers = makeServers([1, 1, 1]);
      bench.balancer.update(setOf(servers, () => true));
      expect(bench.choose()).toBeUndefined();
      bench.balancer.update(setOf(servers));
      expect(servers).toContain(bench.choose());
    });

    it("finds the only server that is left among many", () => {
      for (const size of sizes) {
        const servers = makeServers(Array.from({ length: size }, (_, index) => 1 + (index % 3)));
        const bench = new Bench(algorithm);
        bench.balancer.update(setOf(servers));
        for (const last of [0, size >> 1, size - 1]) {
          bench.context.isExcluded = (server) => server.slot !== last;
          for (let request = 0; request < 20; request++) expect(bench.choose()).toBe(servers[last]);
        }
      }
    });

    it("keeps choosing from the current set over any sequence of updates", () => {
      fc.assert(
        fc.property(fc.array(poolArbitrary, { minLength: 2, maxLength: 6 }), (pools) => {
          const bench = new Bench(algorithm);
          for (const { weights, down } of pools) {
            const servers = makeServers(weights);
            bench.balancer.update(setOf(servers, (server) => down[server.slot] as boolean));
            bench.clock.time += 40_000;
            expectAllowed(
              bench,
              servers.filter((server) => server.weight > 0 && !down[server.slot]),
            );
          }
        }),
        { numRuns: 25 },
      );
    });

    it("makes the same choices again with the same seed", () => {
      for (const size of sizes) {
        const servers = makeServers(Array.from({ length: size }, (_, index) => 1 + (index % 3)));
        const runs = [1, 2].map(() => {
          const bench = new Bench(algorithm, { seed: 42 });
          bench.balancer.update(setOf(servers));
          return Array.from({ length: 100 }, () => bench.choose()?.slot);
        });
        expect(runs[0]).toEqual(runs[1]);
      }
    });

    it("survives completions of servers that it no longer has", () => {
      const servers = makeServers(Array.from({ length: 100 }, () => 1));
      const bench = new Bench(algorithm);
      bench.balancer.update(setOf(servers));
      const chosen = bench.choose() as Server;
      const rest = servers.filter((server) => server !== chosen);
      bench.balancer.update(setOf(rest));
      bench.balancer.onComplete?.(chosen, { latency: NaN, success: false, status: 0 });
      expectAllowed(bench, rest);
    });

    it("chooses while servers are busy, slow and failing", () => {
      fc.assert(
        fc.property(fc.constantFrom(...sizes), fc.integer(), (size, seed) => {
          const servers = makeServers(Array.from({ length: size }, (_, index) => 1 + (index % 3)));
          const bench = new Bench(algorithm, { seed });
          const numbers = fc.sample(fc.integer({ min: 0, max: 1000 }), { seed, numRuns: size });
          for (const server of servers) {
            const number = numbers[server.slot] as number;
            bench.signals.set("inFlight", server.slot, number);
            bench.signals.set("latency", server.slot, number / 3);
            bench.signals.set("peakLatency", server.slot, number / 2);
            bench.signals.set("latencyAt", server.slot, 1000 - number);
            bench.signals.set("errorRate", server.slot, number / 1000);
            bench.signals.set("requestRate", server.slot, number);
            bench.signals.set("utilisation", server.slot, number / 800);
            bench.signals.set("utilisationAt", server.slot, 1000);
          }
          bench.balancer.update(setOf(servers));
          for (const time of [1000, 12_000, 61_000, 500_000]) {
            bench.clock.time = time;
            expectAllowed(bench, servers);
          }
        }),
        { numRuns: 15 },
      );
    });

    if (algorithm.usesHashKey) checkHashing(algorithm);
    checkScale(algorithm);
  });
}

function checkHashing(algorithm: BalancingAlgorithm): void {
  it("gives a key the same server every time and on every worker", () => {
    for (const size of sizes) {
      const servers = makeServers(Array.from({ length: size }, (_, index) => 1 + (index % 3)));
      const first = new Bench(algorithm, { seed: 1, worker: 0, workers: 2 });
      const second = new Bench(algorithm, { seed: 2, worker: 1, workers: 2 });
      first.balancer.update(setOf(servers));
      second.balancer.update(setOf(servers));
      for (let key = 0; key < 300; key++) expect(second.choose(key)).toBe(first.choose(key));
    }
  });

  it("moves only the keys of a server that stops being ready, and gives them back", () => {
    for (const size of sizes.filter((size) => size > 1)) {
      const servers = makeServers(Array.from({ length: size }, (_, index) => 1 + (index % 3)));
      const bench = new Bench(algorithm);
      bench.balancer.update(setOf(servers));
      const keys = Array.from({ length: 2000 }, (_, key) => key);
      const before = keys.map((key) => bench.choose(key) as Server);
      const gone = before[0] as Server;
      bench.balancer.update(setOf(servers, (server) => server === gone));
      for (const key of keys) {
        const now = bench.choose(key);
        if (before[key] === gone) expect(now).not.toBe(gone);
        else expect(now).toBe(before[key]);
      }
      bench.balancer.update(setOf(servers));
      expect(keys.map((key) => bench.choose(key))).toEqual(before);
    }
  });

  it("sends a retry of an excluded server's key elsewhere without moving other keys", () => {
    const servers = makeServers([1, 2, 3, 1, 1]);
    const bench = new Bench(algorithm);
    bench.balancer.update(setOf(servers));
    for (let key = 0; key < 500; key++) {
      bench.context.isExcluded = () => false;
      const first = bench.choose(key) as Server;
      bench.context.isExcluded = (server) => server === first;
      const second = bench.choose(key);
      expect(second).toBeDefined();
      expect(second).not.toBe(first);
    }
  });
}

function expectAllowed(bench: Bench, allowed: readonly Server[]): void {
  for (let request = 0; request < 30; request++) {
    const server = bench.choose();
    if (allowed.length === 0) expect(server).toBeUndefined();
    else if (server === undefined || !allowed.includes(server)) expect.fail(`chose ${server?.id}`);
  }
}
