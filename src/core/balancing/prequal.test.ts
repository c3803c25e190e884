import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Server } from "./balancer.ts";
import { Bench, makeServers, setOf } from "./pool.fixture.ts";
import { prequal } from "./prequal.ts";
import { ProbePool } from "./probe-pool.ts";
import { QuantileWindow } from "./quantile-window.ts";

const everyone = { hashKey: 0, isExcluded: () => false };

describe("QuantileWindow", () => {
  it("is the least value that the share of the last numbers does not exceed", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { minLength: 1 }), fc.constantFrom(0, 0.5, 0.84, 1), (numbers, share) => {
        const window = new QuantileWindow(10, share);
        numbers.forEach((number, index) => {
          window.add(number);
          const last = numbers.slice(Math.max(0, index - 9), index + 1).sort((a, b) => a - b);
          expect(window.quantile()).toBe(last[Math.max(0, Math.ceil(share * last.length) - 1)]);
        });
      }),
    );
  });

  it("counts huge numbers as 4,095", () => {
    const window = new QuantileWindow(4, 0.5);
    window.add(1e9);
    expect(window.quantile()).toBe(4095);
  });
});

describe("ProbePool", () => {
  const servers = makeServers([1, 1, 1, 1]);
  const at = (slot: number) => servers[slot] as Server;

  function pool(...probes: [slot: number, inFlight: number, latency: number][]): ProbePool {
    const result = new ProbePool(4);
    probes.forEach(([slot, inFlight, latency], time) => result.add(at(slot), time, inFlight, latency, Infinity));
    return result;
  }

  it("takes the fastest cold probe", () => {
    const probes = pool([0, 1, 50], [1, 9, 5], [2, 2, 20]);
    expect(probes.use(probes.best(3, everyone))).toBe(at(2));
  });

  it("takes the least busy one of those up to twice as slow as the fastest", () => {
    const probes = pool([0, 1, 40], [1, 3, 20], [2, 0, 41]);
    expect(probes.use(probes.best(3, everyone))).toBe(at(0));
  });

  it("takes the least busy probe when all are hot", () => {
    const probes = pool([0, 7, 30], [1, 9, 5], [2, 8, 20]);
    expect(probes.use(probes.best(3, everyone))).toBe(at(0));
  });

  it("counts the request that a probe was used for", () => {
    const probes = pool([0, 3, 10], [1, 3, 20]);
    expect(probes.use(probes.best(3, everyone))).toBe(at(0));
    expect(probes.use(probes.best(3, everyone))).toBe(at(1));
  });

  it("needs two probes that are not excluded", () => {
    const probes = pool([0, 3, 10], [1, 3, 20]);
    expect(probes.best(3, { hashKey: 0, isExcluded: (server) => server === at(0) })).toBe(-1);
  });

  it("keeps one probe per server and gives up the oldest when full", () => {
    const probes = pool([0, 1, 1], [1, 1, 1], [2, 1, 1], [3, 1, 1]);
    probes.add(at(0), 9, 5, 5, 1);
    expect(probes.length).toBe(4);
    expect(probes.oldest()).toBe(probes.find(at(1)));
    probes.add({ ...at(0), slot: 77 }, 10, 1, 1, 1);
    expect(probes.length).toBe(4);
    expect(probes.find(at(1))).toBe(-1);
  });

  it("drops old, used up and worst probes", () => {
    const probes = pool([0, 1, 50], [1, 9, 1], [2, 1, 20]);
    expect(probes.worst(3)).toBe(probes.find(at(1)));
    probes.remove(probes.worst(3));
    expect(probes.worst(3)).toBe(probes.find(at(0)));
    probes.expire(1);
    expect(probes.find(at(0))).toBe(-1);
    probes.add(at(3), 5, 0, 0, 1);
    expect(probes.use(probes.find(at(3)))).toBe(at(3));
    expect(probes.find(at(3))).toBe(-1);
  });
});

describe("prequal", () => {
  it("prefers fast servers and avoids hot ones", () => {
    const size = 40;
    const bench = new Bench(prequal);
    for (let slot = 0; slot < size; slot++) {
      bench.signals.set("latency", slot, slot < 20 ? 10 : 200);
      bench.signals.set("latencyAt", slot, 1000);
      bench.signals.set("inFlight", slot, slot % 20 < 2 ? 50 : 2);
    }
    bench.balancer.update(setOf(makeServers(Array.from({ length: size }, () => 1))));
    const counts = bench.counts(4000, size);
    const sum = (slots: number[]) => slots.reduce((total, slot) => total + (counts[slot] as number), 0);
    const cold = Array.from({ length: 18 }, (_, index) => index + 2);
    expect(sum(cold)).toBeGreaterThan(3000);
    expect(sum([0, 1, 20, 21])).toBeLessThan(200);
  });

  it("drops the probe of a server that failed", () => {
    const bench = new Bench(prequal, { config: { probesPerRequest: 1 } });
    bench.balancer.update(setOf(makeServers([1, 1, 1, 1])));
    const chosen = bench.choose() as Server;
    bench.balancer.onComplete?.(chosen, { latency: NaN, success: false, status: 0 });
    bench.balancer.onComplete?.(chosen, { latency: NaN, success: false, status: 0 });
    expect(bench.choose()).toBeDefined();
  });

  it("spreads over servers that all look alike", () => {
    const bench = new Bench(prequal);
    bench.balancer.update(setOf(makeServers(Array.from({ length: 20 }, () => 1))));
    for (const count of bench.counts(4000, 20)) expect(count).toBeGreaterThan(100);
  });
});
