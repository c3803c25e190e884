import { describe, expect, it } from "vitest";
import { Bench, makeServers, setOf } from "./pool.fixture.ts";
import { weightedRoundRobin } from "./weighted-round-robin.ts";

const slots = (bench: Bench, count: number) => Array.from({ length: count }, () => bench.choose()?.slot);

describe("weighted_round_robin", () => {
  it("spreads the turns of heavy servers over the cycle, as nginx does", () => {
    const bench = new Bench(weightedRoundRobin);
    bench.balancer.update(setOf(makeServers([5, 1, 1])));
    expect(slots(bench, 14)).toEqual([0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 2, 0, 0]);
  });

  it("gives exact shares in every cycle of a big pool", () => {
    const weights = Array.from({ length: 200 }, (_, index) => 1 + (index % 5));
    const bench = new Bench(weightedRoundRobin);
    bench.balancer.update(setOf(makeServers(weights)));
    for (let cycle = 0; cycle < 3; cycle++) {
      bench
        .counts(600, 200)
        .forEach((count, slot) => expect(Math.abs(count - (weights[slot] as number))).toBeLessThanOrEqual(1));
    }
  });

  it("never leaves a server of a big pool out for longer than its period", () => {
    const weights = Array.from({ length: 100 }, (_, index) => (index === 0 ? 100 : 1));
    const bench = new Bench(weightedRoundRobin);
    bench.balancer.update(setOf(makeServers(weights)));
    const chosen = slots(bench, 2000);
    let last = -1;
    chosen.forEach((slot, turn) => {
      if (slot !== 0) return;
      expect(turn - last).toBeLessThanOrEqual(4);
      last = turn;
    });
  });

  it.each([3, 100])("goes on where it was after an update of %i servers", (size) => {
    const servers = makeServers(Array.from({ length: size }, () => 1));
    const bench = new Bench(weightedRoundRobin);
    const counts = Array.from({ length: size }, () => 0);
    for (let update = 0; update < size * 4; update++) {
      bench.balancer.update(setOf([...servers]));
      const slot = bench.choose()?.slot as number;
      counts[slot] = (counts[slot] as number) + 1;
    }
    expect(counts).toEqual(Array.from({ length: size }, () => 4));
  });

  it.each([3, 100])("takes new weights over at once among %i servers", (size) => {
    const bench = new Bench(weightedRoundRobin);
    bench.balancer.update(setOf(makeServers(Array.from({ length: size }, () => 1))));
    bench.counts(50, size);
    bench.balancer.update(setOf(makeServers(Array.from({ length: size }, (_, index) => (index === 0 ? size : 1)))));
    const counts = bench.counts(20 * (2 * size - 1), size);
    expect(Math.abs((counts[0] as number) - 20 * size)).toBeLessThanOrEqual(0.02 * 20 * size + 1);
  });

  it("gives a server that was full for long no burst afterwards", () => {
    const bench = new Bench(weightedRoundRobin);
    bench.balancer.update(setOf(makeServers([1, 1])));
    bench.context.isExcluded = (server) => server.slot === 0;
    bench.counts(1000, 2);
    bench.context.isExcluded = () => false;
    expect(bench.counts(10, 2)).toEqual([5, 5]);
  });
});
