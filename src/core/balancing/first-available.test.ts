import { expect, it } from "vitest";
import type { Server } from "./balancer.ts";
import { firstAvailable } from "./first-available.ts";
import { Bench, makeServers, setOf } from "./pool.fixture.ts";

it.each([3, 100])("fills %i servers in order and returns to the first that has room", (size) => {
  const bench = new Bench(firstAvailable);
  bench.balancer.update(
    setOf(
      makeServers(
        Array.from({ length: size }, () => 1),
        { maxConnections: 4 },
      ),
    ),
  );
  const order: number[] = [];
  for (let request = 0; request < 4 * size; request++) {
    const { slot } = bench.choose() as Server;
    bench.signals.add("inFlight", slot, 1);
    order.push(slot);
  }
  expect(order).toEqual(Array.from({ length: 4 * size }, (_, request) => request >> 2));
  bench.signals.add("inFlight", 1, -1);
  bench.balancer.onComplete?.({ slot: 1 } as Server, { latency: 1, success: true, status: 200 });
  expect(bench.choose()?.slot).toBe(1);
});

it("never leaves the first server when that has no limit", () => {
  const bench = new Bench(firstAvailable);
  bench.balancer.update(setOf(makeServers([1, 1])));
  bench.signals.set("inFlight", 0, 100_000);
  expect(bench.counts(50, 2)).toEqual([50, 0]);
});
