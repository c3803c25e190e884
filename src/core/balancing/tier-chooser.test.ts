import { describe, expect, it } from "vitest";
import { seededRandom } from "../random.ts";
import type { BalanceContext, Balancer, Server, ServerSet } from "./balancer.ts";
import { makeServers } from "./pool.fixture.ts";
import { TierChooser } from "./tier-chooser.ts";
import type { TierPlan } from "./tiers.ts";

/** Takes the first that is not excluded, and counts its choices since it was made. */
class FirstBalancer implements Balancer {
  set: ServerSet = { version: 0, all: [], ready: [] };
  choices = 0;
  completed: number[] = [];
  choose(context: BalanceContext): Server | undefined {
    this.choices++;
    return this.set.ready.find((server) => !context.isExcluded(server));
  }
  update(set: ServerSet): void {
    this.set = set;
  }
  onComplete(server: Server): void {
    this.completed.push(server.slot);
  }
}

const servers = makeServers([1, 1, 1, 1]);
const planOf = (...tiers: [key: string, share: number, slots: number[]][]): TierPlan => ({
  tiers: tiers.map(([key, share, slots]) => {
    const all = slots.map((slot) => servers[slot]!);
    return { key, share, set: { version: 1, all, ready: all } };
  }),
  panic: false,
  ready: 4,
  total: 4,
});

function world(byKey = false) {
  const made: FirstBalancer[] = [];
  const random = seededRandom(3);
  const drawn = { count: 0 };
  const chooser = new TierChooser(
    () => {
      made.push(new FirstBalancer());
      return made.at(-1)!;
    },
    () => {
      drawn.count++;
      return random();
    },
    byKey,
  );
  const context = { hashKey: 0, isExcluded: (server: Server) => server.slot < 0 };
  return { made, drawn, chooser, context, choose: () => chooser.choose(context)?.slot };
}

describe("TierChooser", () => {
  it("has no server without a plan or with an empty one", () => {
    const { chooser, choose } = world();
    expect(choose()).toBeUndefined();
    chooser.update(planOf());
    expect(choose()).toBeUndefined();
    expect(chooser.listens).toBe(false);
  });

  it("draws no number when one tier has all", () => {
    const { chooser, choose, drawn } = world();
    chooser.update(planOf(["0", 1, [0]], ["1", 0, [1]]));
    for (let request = 0; request < 100; request++) expect(choose()).toBe(0);
    expect(drawn.count).toBe(0);
  });

  it("divides requests by the shares", () => {
    const { chooser, choose } = world();
    chooser.update(planOf(["0", 0.6, [0]], ["1", 0.3, [1]], ["2", 0.1, [2]], ["3", 0, [3]]));
    const counts = [0, 0, 0, 0];
    for (let request = 0; request < 10_000; request++) counts[choose()!]!++;
    [6000, 3000, 1000, 0].forEach((wanted, slot) => expect(Math.abs(counts[slot]! - wanted)).toBeLessThan(200));
  });

  it("keeps a key in its tier, and moves only what a smaller share gives away", () => {
    const { chooser, choose, context, drawn } = world(true);
    const tierOf = (key: number) => {
      context.hashKey = Math.imul(key, 0x9e3779b9) >>> 0;
      return choose();
    };
    const keys = Array.from({ length: 5000 }, (_, key) => key);
    chooser.update(planOf(["0", 0.8, [0]], ["1", 0.2, [1]]));
    const before = keys.map(tierOf);
    expect(keys.map(tierOf)).toEqual(before);
    expect(Math.abs(before.filter((slot) => slot === 0).length - 4000)).toBeLessThan(150);
    chooser.update(planOf(["0", 0.5, [0]], ["1", 0.5, [1]]));
    keys.map(tierOf).forEach((slot, key) => expect(slot === before[key] || slot === 1).toBe(true));
    expect(drawn.count).toBe(0);
  });

  it("goes on with the other tiers in order when the chosen one has no server left", () => {
    const { chooser, choose, context } = world();
    chooser.update(planOf(["0", 0.5, [0]], ["1", 0.5, [1]], ["2", 0, [2]], ["backup/0", 0, [3]]));
    const tried = new Set([0, 1]);
    context.isExcluded = (server) => tried.has(server.slot);
    expect(choose()).toBe(2);
    tried.add(2);
    expect(choose()).toBe(3);
    tried.add(3);
    expect(choose()).toBeUndefined();
  });

  it("keeps the balancer of a tier by its key", () => {
    const { chooser, choose, made } = world();
    chooser.update(planOf(["0", 1, [0]]));
    choose();
    chooser.update(planOf(["1", 1, [1]]));
    choose();
    chooser.update(planOf(["0", 1, [2, 0]], ["1", 0, [1]]));
    expect(choose()).toBe(2);
    expect(made.map((balancer) => balancer.choices)).toEqual([2, 1]);
  });

  it("tells the balancer of the server's tier of a completion", () => {
    const { chooser, made } = world();
    const outcome = { latency: 1, success: true, status: 200 };
    chooser.update(planOf(["0", 0.5, [0, 1]], ["1", 0.5, [2]]));
    for (const server of servers) chooser.onComplete(server, outcome);
    expect(made.map((balancer) => balancer.completed)).toEqual([[0, 1], [2]]);
    chooser.update(planOf(["0", 1, [0, 1]]));
    chooser.onComplete(servers[0]!, outcome);
    expect(made[0]!.completed).toEqual([0, 1, 0]);
    expect(chooser.listens).toBe(true);
  });
});
