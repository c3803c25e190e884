import { describe, expect, it } from "vitest";
import { ipHash } from "./ip-hash.ts";
import { Bench, makeServers, setOf } from "./pool.fixture.ts";

const keys = Array.from({ length: 7000 }, (_, key) => key);

describe("ip_hash", () => {
  it("gives the same key the same server, and each server its weight's share of the keys", () => {
    const bench = new Bench(ipHash);
    bench.balancer.update(setOf(makeServers([4, 2, 1])));
    const counts = [0, 0, 0];
    for (const key of keys) {
      const slot = bench.choose(key)!.slot;
      counts[slot]!++;
      expect(bench.choose(key)!.slot).toBe(slot);
    }
    [4000, 2000, 1000].forEach((share, slot) => expect(Math.abs(counts[slot]! - share)).toBeLessThan(200));
  });

  it("moves only the keys of a server that is not ready, or excluded, and spreads them", () => {
    const servers = makeServers([1, 1, 1, 1]);
    const bench = new Bench(ipHash);
    bench.balancer.update(setOf(servers));
    const before = keys.map((key) => bench.choose(key)!.slot);
    for (const way of ["not ready", "excluded"]) {
      if (way === "not ready") bench.balancer.update(setOf(servers, ({ slot }) => slot === 2));
      else {
        bench.balancer.update(setOf(servers));
        bench.context.isExcluded = ({ slot }) => slot === 2;
      }
      const after = keys.map((key) => bench.choose(key)!.slot);
      const moved = keys.filter((key) => after[key] !== before[key]);
      expect(moved).toEqual(keys.filter((key) => before[key] === 2));
      const places = [0, 1, 3].map((slot) => moved.filter((key) => after[key] === slot).length);
      for (const count of places) expect(Math.abs(count - moved.length / 3)).toBeLessThan(120);
    }
  });
});
