import { expect, it } from "vitest";
import type { BalancingAlgorithm, Server } from "./balancer.ts";
import { Bench, makeServers, setOf } from "./pool.fixture.ts";

const ones = (size: number) => Array.from({ length: size }, () => 1);
const scaled = (servers: readonly Server[], scale: number, which: (slot: number) => boolean) =>
  servers.map((server) => (which(server.slot) ? { ...server, scale } : server));

/**
 * Requests per slot in a pool where each takes as long as `concurrency` further choices, and 10 ms by the clock; with
 * a concurrency of 0 it is over before the next choice.
 */
function run(bench: Bench, size: number, concurrency: number, requests: number): number[] {
  const counts = ones(size).map(() => 0);
  const { signals, clock } = bench;
  for (let slot = 0; slot < size; slot++) {
    for (const name of ["latency", "peakLatency"] as const) signals.set(name, slot, 10);
    signals.set("latencyAt", slot, clock.time);
    signals.set("inFlight", slot, 0);
  }
  const open: Server[] = [];
  for (let request = 0; request < requests + concurrency; request++) {
    const server = bench.choose();
    if (server === undefined) expect.fail("chose nobody");
    // Before as many are in flight as there will be, the choices are those of an empty pool.
    if (request >= concurrency) counts[server.slot] = (counts[server.slot] as number) + 1;
    signals.add("inFlight", server.slot, 1);
    open.push(server);
    if (open.length > concurrency) {
      const done = open.shift() as Server;
      signals.add("inFlight", done.slot, -1);
      signals.set("latencyAt", done.slot, clock.time);
      bench.balancer.onComplete?.(done, { latency: 10, success: true, status: 200 });
    }
    clock.time += 10 / Math.max(1, concurrency);
  }
  return counts;
}

/** The rules about `Server.scale` that every balancer keeps. */
export function checkScale(algorithm: BalancingAlgorithm): void {
  it.each([
    { size: 5, concurrency: 0 },
    { size: 5, concurrency: 1 },
    { size: 5, concurrency: 5 },
    { size: 5, concurrency: 50 },
    { size: 100, concurrency: 0 },
    { size: 100, concurrency: 400 },
  ])("gives one of $size with scale 0.1 a tenth, with $concurrency in flight", ({ size, concurrency }) => {
    const servers = makeServers(ones(size));
    const requests = size * 1000;
    const bench = new Bench(algorithm);
    bench.balancer.update(setOf(servers));
    const usual = run(bench, size, concurrency, requests);
    const slot = usual.indexOf(Math.max(...usual));
    bench.balancer.update(setOf(scaled(servers, 0.1, (other) => other === slot)));
    const slow = run(bench, size, concurrency, requests);
    const part = (slow[slot] as number) / (usual[slot] as number);
    expect(part).toBeGreaterThanOrEqual(0.05);
    expect(part).toBeLessThanOrEqual(0.2);
    expect(slow.reduce((sum, count) => sum + count)).toBe(requests);
    bench.balancer.update(setOf(servers));
    const again = run(bench, size, concurrency, requests);
    expect((again[slot] as number) / (usual[slot] as number)).toBeGreaterThan(0.7);
  });

  it("gives many scaled servers together their part", () => {
    for (const concurrency of [0, 40]) {
      const bench = new Bench(algorithm);
      bench.balancer.update(setOf(scaled(makeServers(ones(10)), 0.1, (slot) => slot % 2 === 0)));
      const counts = run(bench, 10, concurrency, 10_000);
      const part = counts.reduce((sum, count, slot) => sum + (slot % 2 === 0 ? count : 0), 0);
      // Ideally 5 × 0.1 of 5.5, which is 909.
      expect(part).toBeLessThanOrEqual(1900);
    }
  });

  it("chooses as usual where all scales are the same", () => {
    for (const size of [5, 100]) {
      const runs = [1, 0.3].map((scale) => {
        const bench = new Bench(algorithm);
        bench.balancer.update(setOf(scaled(makeServers(ones(size)), scale, () => true)));
        return run(bench, size, 2 * size, 500);
      });
      expect(runs[1]).toEqual(runs[0]);
    }
  });

  it("gives more with a greater scale", () => {
    const bench = new Bench(algorithm);
    const servers = makeServers(ones(5));
    let before = 0;
    for (const scale of [0.1, 0.3, 0.6, 0.9]) {
      bench.balancer.update(setOf(scaled(servers, scale, (slot) => slot === 0)));
      const count = run(bench, 5, 20, 5000)[0] as number;
      expect(count).toBeGreaterThan(before);
      before = count;
    }
  });

  it("chooses also where scales are tiny or the only ones", () => {
    for (const size of [3, 100]) {
      const servers = makeServers(ones(size));
      const bench = new Bench(algorithm);
      bench.balancer.update(setOf(scaled(servers, 1e-9, (slot) => slot > 0)));
      expect(run(bench, size, 10, 1000).reduce((sum, count) => sum + count)).toBe(1000);
      bench.context.isExcluded = ({ slot }) => slot === 0;
      expect(run(bench, size, 10, 200).reduce((sum, count) => sum + count)).toBe(200);
      bench.context.isExcluded = () => false;
      bench.balancer.update(setOf(scaled(servers, 1e-9, () => true)));
      expect(run(bench, size, 10, 200).reduce((sum, count) => sum + count)).toBe(200);
      bench.context.isExcluded = ({ slot }) => slot !== size - 1;
      expect(bench.choose()?.slot).toBe(size - 1);
    }
  });

  if (algorithm.usesHashKey) checkKeys(algorithm);
}

function checkKeys(algorithm: BalancingAlgorithm): void {
  it("gives away always the same keys of a scaled server, and gives them back one after the other", () => {
    const keys = Array.from({ length: 4000 }, (_, key) => key);
    for (const size of [2, 5, 200]) {
      const servers = makeServers(ones(size));
      const bench = new Bench(algorithm);
      bench.balancer.update(setOf(servers));
      const slots = () => keys.map((key) => (bench.choose(key) as Server).slot);
      const usual = slots();
      const slot = usual[0] as number;
      let before = new Set<number>();
      for (const scale of [0.001, 0.1, 0.5, 0.9, 1]) {
        bench.balancer.update(setOf(scaled(servers, scale, (other) => other === slot)));
        const now = slots();
        expect(slots()).toEqual(now);
        const kept = new Set<number>();
        now.forEach((chosen, key) => {
          if (usual[key] !== slot) expect(chosen).toBe(usual[key]);
          else if (chosen === slot) kept.add(key);
        });
        expect([...before].every((key) => kept.has(key))).toBe(true);
        before = kept;
      }
      expect(slots()).toEqual(usual);
    }
  });
}
