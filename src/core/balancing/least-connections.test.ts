import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Server } from "./balancer.ts";
import { leastConnections } from "./least-connections.ts";
import { Bench, makeServers, setOf } from "./pool.fixture.ts";
import { weightedLeastConnections } from "./weighted-least-connections.ts";

const completed = { latency: 1, success: true, status: 200 };

describe("least_connections", () => {
  it("takes a server with the fewest requests in flight that is not excluded, among up to 64", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ inFlight: fc.nat(5), excluded: fc.boolean() }), { minLength: 1, maxLength: 64 }),
        (states) => {
          const bench = new Bench(leastConnections);
          bench.balancer.update(setOf(makeServers(states.map(() => 1))));
          states.forEach(({ inFlight }, slot) => bench.signals.set("inFlight", slot, inFlight));
          bench.context.isExcluded = (server) => (states[server.slot] as { excluded: boolean }).excluded;
          const open = states.filter((state) => !state.excluded).map((state) => state.inFlight);
          const chosen = bench.choose();
          expect(chosen === undefined ? Infinity : states[chosen.slot]?.inFlight).toBe(Math.min(...open));
        },
      ),
    );
  });

  it("stays exact in a big pool when one worker does all the work", () => {
    const size = 500;
    const bench = new Bench(leastConnections);
    bench.balancer.update(setOf(makeServers(Array.from({ length: size }, () => 1))));
    const open: Server[] = [];
    const pick = fc.sample(fc.nat(1_000_000), { seed: 3, numRuns: 5000 });
    for (const number of pick) {
      if (number % 5 < 2 && open.length > 0) {
        const [server] = open.splice(number % open.length, 1) as [Server];
        bench.signals.add("inFlight", server.slot, -1);
        bench.balancer.onComplete?.(server, completed);
      } else {
        const server = bench.choose() as Server;
        let least = Infinity;
        for (let slot = 0; slot < size; slot++) least = Math.min(least, bench.signals.inFlight(slot));
        expect(bench.signals.inFlight(server.slot)).toBe(least);
        bench.signals.add("inFlight", server.slot, 1);
        open.push(server);
      }
    }
  });

  it("notices within n / 4 choices what other workers did in a big pool", () => {
    const size = 400;
    const bench = new Bench(leastConnections);
    for (let slot = 0; slot < size; slot++) bench.signals.set("inFlight", slot, 10);
    bench.balancer.update(setOf(makeServers(Array.from({ length: size }, () => 1))));
    bench.signals.set("inFlight", 250, 0);
    const chosen = Array.from({ length: size / 4 + 1 }, () => bench.choose()?.slot);
    expect(chosen).toContain(250);
    // The other way round it is noticed at once: the winner is read again before it is taken.
    bench.signals.set("inFlight", 250, 11);
    for (let request = 0; request < size; request++) expect(bench.choose()?.slot).not.toBe(250);
  });
});

describe("weighted_least_connections", () => {
  it("divides by the weight", () => {
    const bench = new Bench(weightedLeastConnections);
    bench.balancer.update(setOf(makeServers([3, 2, 1])));
    [10, 6, 4].forEach((inFlight, slot) => bench.signals.set("inFlight", slot, inFlight));
    expect(bench.choose()?.slot).toBe(1);
  });

  it.each([6, 120])("fills %i servers in proportion to their weights", (size) => {
    const weights = Array.from({ length: size }, (_, index) => 1 + (index % 3));
    const bench = new Bench(weightedLeastConnections);
    bench.balancer.update(setOf(makeServers(weights)));
    for (let request = 0; request < size * 20; request++)
      bench.signals.add("inFlight", (bench.choose() as Server).slot, 1);
    weights.forEach((weight, slot) => expect(bench.signals.inFlight(slot)).toBe(10 * weight));
  });

  it("does not flood a server whose requests took long once it is idle again", () => {
    const bench = new Bench(weightedLeastConnections);
    bench.balancer.update(setOf(makeServers([1, 1])));
    bench.signals.set("inFlight", 0, 1);
    bench.counts(1000, 2);
    bench.signals.set("inFlight", 0, 0);
    const [first] = bench.counts(10, 2);
    expect(first).toBeLessThanOrEqual(6);
  });
});
