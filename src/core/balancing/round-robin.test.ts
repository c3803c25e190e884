import { expect, it } from "vitest";
import { Bench, makeServers, setOf } from "./pool.fixture.ts";
import { roundRobin } from "./round-robin.ts";

const slots = (bench: Bench, count: number) => Array.from({ length: count }, () => bench.choose()?.slot);

it("takes each server in turn and passes over an excluded one", () => {
  const bench = new Bench(roundRobin);
  bench.balancer.update(setOf(makeServers([1, 5, 1])));
  expect(slots(bench, 4)).toEqual([0, 1, 2, 0]);
  bench.context.isExcluded = (server) => server.slot === 1;
  expect(slots(bench, 3)).toEqual([2, 0, 2]);
});

it("keeps its position over updates", () => {
  const bench = new Bench(roundRobin);
  const servers = makeServers([1, 1, 1, 1]);
  for (let round = 0; round < 3; round++) {
    bench.balancer.update(setOf(servers));
    expect(slots(bench, 1)).toEqual([round]);
  }
});
