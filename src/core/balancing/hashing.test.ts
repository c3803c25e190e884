import { describe, expect, it } from "vitest";
import type { BalancingAlgorithm, Server } from "./balancer.ts";
import { consistentHash } from "./consistent-hash.ts";
import { InFlightTotal } from "./in-flight-total.ts";
import { maglev } from "./maglev.ts";
import { entryCounts } from "./membership.ts";
import { Bench, FakeSignals, makeServers, setOf } from "./pool.fixture.ts";
import { rendezvousHash } from "./rendezvous-hash.ts";

const keys = Array.from({ length: 5000 }, (_, key) => key);
const idsOf = (bench: Bench) => keys.map((key) => (bench.choose(key) as Server).id);
const ones = (size: number) => Array.from({ length: size }, () => 1);

function moved(algorithm: BalancingAlgorithm, before: Server[], after: Server[], config = {}) {
  const bench = new Bench(algorithm, { config });
  bench.balancer.update(setOf(before));
  const old = idsOf(bench);
  bench.balancer.update(setOf(after));
  const changed = new Set([...before, ...after].map((server) => server.id));
  for (const server of before)
    if (after.some((other) => other.id === server.id && other.weight === server.weight)) changed.delete(server.id);
  const now = idsOf(bench);
  const all = keys.filter((key) => old[key] !== now[key]);
  const needless = all.filter((key) => !changed.has(old[key] as string) && !changed.has(now[key] as string));
  return { all: all.length, needless: needless.length };
}

describe.each([
  { algorithm: consistentHash, config: {}, tolerated: 0 },
  { algorithm: rendezvousHash, config: {}, tolerated: 0 },
  { algorithm: rendezvousHash, config: { exactUpTo: 0 }, tolerated: 0 },
  { algorithm: maglev, config: {}, tolerated: 0.03 },
])("disruption of $algorithm.name $config", ({ algorithm, config, tolerated }) => {
  it("is limited to the keys of a server that is removed or added, in any order of the list", () => {
    const servers = makeServers(ones(50));
    const fewer = servers.filter((_, index) => index !== 20);
    for (const [before, after] of [
      [servers, fewer],
      [fewer, servers.toReversed()],
    ] as const) {
      const { all, needless } = moved(algorithm, before as Server[], after as Server[], config);
      expect(all).toBeGreaterThan(30);
      expect(all - needless).toBeLessThan(250);
      expect(needless).toBeLessThanOrEqual(tolerated * keys.length);
    }
  });

  it("is limited to keys from or to a server whose weight changes", () => {
    const servers = makeServers(ones(50));
    const heavier = servers.map((server, index) => (index === 7 ? { ...server, weight: 1.5 } : server));
    const { all, needless } = moved(algorithm, servers, heavier, config);
    expect(all - needless).toBeGreaterThan(15);
    expect(needless).toBeLessThanOrEqual(tolerated * 2 * keys.length);
  });
});

describe("consistent_hash", () => {
  it("keeps every server within its bound, whatever the keys", () => {
    const bench = new Bench(consistentHash);
    bench.balancer.update(setOf(makeServers(ones(10))));
    for (let request = 1; request <= 1000; request++) {
      const { slot } = bench.choose(request % 3) as Server;
      bench.signals.add("inFlight", slot, 1);
      expect(bench.signals.inFlight(slot)).toBeLessThanOrEqual(Math.ceil((1.25 * request) / 10));
    }
  });

  it("stays with the key's server whatever its load when the bound is off", () => {
    const bench = new Bench(consistentHash, { config: { boundedLoad: 0 } });
    bench.balancer.update(setOf(makeServers(ones(10))));
    const { slot } = bench.choose(5) as Server;
    bench.signals.set("inFlight", slot, 10_000);
    expect(bench.choose(5)?.slot).toBe(slot);
  });
});

describe("rendezvous_hash", () => {
  it("gives exact shares in both forms", () => {
    for (const exactUpTo of [128, 0]) {
      const weights = Array.from({ length: 20 }, (_, index) => 1 + (index % 4));
      const bench = new Bench(rendezvousHash, { config: { exactUpTo } });
      bench.balancer.update(setOf(makeServers(weights)));
      bench.counts(100_000, 20).forEach((count, slot) => {
        const wanted = (100_000 * (weights[slot] as number)) / 50;
        expect(Math.abs(count - wanted) / wanted).toBeLessThan(exactUpTo === 0 ? 0.3 : 0.07);
      });
    }
  });
});

describe("entryCounts", () => {
  it("is entries × weight, at least 1, halved together until the limit holds", () => {
    expect([...entryCounts(Float64Array.of(1, 2, 0.1, 0.001), 160, 10_000)]).toEqual([160, 320, 16, 1]);
    expect([...entryCounts(Float64Array.of(100, 100), 160, 10_000)]).toEqual([4000, 4000]);
  });
});

describe("InFlightTotal", () => {
  it.each([8, 200])("adds up %i servers, of which big sets are read again bit by bit", (size) => {
    const signals = new FakeSignals();
    const total = new InFlightTotal(signals);
    for (let slot = 0; slot < size; slot++) signals.set("inFlight", slot, 2);
    total.set(makeServers(ones(size)));
    expect(total.read()).toBe(2 * size);
    for (let slot = 0; slot < size; slot++) signals.set("inFlight", slot, 3);
    for (let reading = 0; reading < size / 4; reading++) total.read();
    expect(total.read()).toBe(3 * size);
  });
});
