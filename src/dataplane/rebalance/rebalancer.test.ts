import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { kept, type RebalanceConfig } from "../../core/balancing/rebalance.ts";
import { seededRandom } from "../../core/random.ts";
import { Scoreboard } from "../../shared-memory/scoreboard.ts";
import { TICK } from "../worker-context.ts";
import { Movables, type Movable } from "./movable.ts";
import { Rebalancer } from "./rebalancer.ts";

const MINUTE = 60_000;

interface Situation {
  readonly workers: number;
  readonly servers: readonly { readonly weight: number; readonly connections: number }[];
  readonly config: RebalanceConfig;
  readonly seed: number;
  /** Longest time until a client comes back, in ms. */
  readonly away: number;
}

/** A closing: when, and what was there right before it. */
interface Closing {
  readonly at: number;
  readonly slot: number;
  readonly count: number;
  readonly fair: number;
  readonly total: number;
}

/** Workers, servers and clients in virtual time. Each client comes back to the server that has least for its weight. */
class World {
  time = 5_000_000;
  readonly closings: Closing[] = [];
  readonly open: Scoreboard["webSockets"];
  readonly servers;
  readonly #workers: { readonly rebalancer: Rebalancer; readonly movables: Movables; readonly board: Scoreboard }[];
  readonly #random;
  readonly #situation: Situation;
  #returns: number[] = [];

  constructor(situation: Situation) {
    this.#situation = situation;
    this.#random = seededRandom(situation.seed);
    const { workers, config } = situation;
    const { handle, webSockets } = Scoreboard.create({ servers: situation.servers.length, workers });
    this.open = webSockets;
    this.servers = situation.servers.map(({ weight }, slot) => ({ slot, weight, scale: 1 }));
    this.#workers = Array.from({ length: workers }, (_, worker) => {
      const board = Scoreboard.attach(handle, worker);
      const movables = new Movables();
      const rebalancer = new Rebalancer(config, this.servers, false, { scoreboard: board, movables });
      rebalancer.follow({ tiers: [{ set: { ready: this.servers }, share: 1 }] });
      return { rebalancer, movables, board };
    });
    for (const [slot, { connections }] of situation.servers.entries())
      for (let i = 0; i < connections; i++) this.#connect(slot);
  }

  get total(): number {
    return this.servers.reduce((sum, { slot }) => sum + this.open.open(slot), 0);
  }

  share(slot: number): number {
    return this.servers[slot].weight / this.servers.reduce((sum, { weight }) => sum + weight, 0);
  }

  /** How many each server may keep of what is there now. */
  get limits(): number[] {
    return this.servers.map(({ slot }) => kept(this.total, this.share(slot), this.#situation.config.threshold));
  }

  #connect(slot: number): void {
    const worker = this.#workers[Math.floor(this.#random() * this.#workers.length)];
    const movable: Movable = {
      moveAway: () => {
        // It is counted out already.
        const total = this.total + 1;
        const count = this.open.open(slot) + 1;
        this.closings.push({ at: this.time, slot, count, fair: total * this.share(slot), total });
        this.#returns.push(this.time + this.#random() * this.#situation.away);
      },
    };
    worker.movables.add(slot, movable);
    worker.board.webSockets.joined(slot);
  }

  run(ms: number): void {
    for (const end = this.time + ms; this.time < end; this.time += TICK) {
      // Ticks of workers are anywhere within those of the clock.
      for (const { rebalancer } of this.#workers) rebalancer.tick(this.time + Math.floor(this.#random() * TICK));
      const due = this.#returns.filter((at) => at <= this.time);
      this.#returns = this.#returns.filter((at) => at > this.time);
      for (const _ of due) {
        const emptiest = this.servers.toSorted(
          (a, b) => this.open.open(a.slot) / a.weight - this.open.open(b.slot) / b.weight,
        )[0];
        this.#connect(emptiest.slot);
      }
    }
  }
}

const situations = fc.record({
  workers: fc.integer({ min: 1, max: 4 }),
  servers: fc.array(fc.record({ weight: fc.integer({ min: 1, max: 4 }), connections: fc.nat({ max: 150 }) }), {
    minLength: 1,
    maxLength: 5,
  }),
  config: fc.record({
    perMinute: fc.constantFrom(0.01, 0.1, 0.5, 1),
    minPerMinute: fc.constantFrom(1, 10, 120, 2000),
    threshold: fc.constantFrom(0, 0.1, 0.5),
  }),
  seed: fc.integer(),
  away: fc.constantFrom(0, 1000, 20_000),
});

describe("rebalancing", () => {
  it("never closes more in a minute than the budget, over all workers, and never from who has no more than its share", () => {
    fc.assert(
      fc.property(situations, (situation) => {
        const world = new World(situation);
        const budget = Math.max(situation.config.minPerMinute, Math.floor(world.total * situation.config.perMinute));
        world.run(3 * MINUTE);
        const times = world.closings.map(({ at }) => at);
        for (const [i, at] of times.entries()) {
          const inMinute = times.slice(i).filter((time) => time < at + MINUTE - TICK).length;
          expect(inMinute).toBeLessThanOrEqual(budget);
        }
        for (const { count, fair } of world.closings) {
          expect(count - 1).toBeGreaterThanOrEqual(fair - 1e-9);
          expect(count).toBeGreaterThan(fair * (1 + situation.config.threshold) - 1e-9);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("comes to an end in which nobody has too many, and stays there", () => {
    fc.assert(
      fc.property(situations, (situation) => {
        const world = new World({ ...situation, config: { ...situation.config, minPerMinute: 2000 } });
        const connections = world.total;
        world.run(2 * MINUTE);
        expect(world.total).toBe(connections);
        for (const [slot, most] of world.limits.entries()) expect(world.open.open(slot)).toBeLessThanOrEqual(most);
        const before = world.closings.length;
        world.run(MINUTE);
        expect(world.closings.length).toBe(before);
      }),
      { numRuns: 60 },
    );
  });

  it("gives a third server a third, at the pace that it is told", () => {
    const world = new World({
      workers: 2,
      servers: [150, 150, 0].map((connections) => ({ weight: 1, connections })),
      config: { perMinute: 0.1, minPerMinute: 10, threshold: 0.1 },
      seed: 1,
      away: 500,
    });
    world.run(MINUTE);
    // 10 % of 300.
    expect(world.closings.length).toBeGreaterThanOrEqual(28);
    expect(world.closings.length).toBeLessThanOrEqual(30);
    world.run(4 * MINUTE);
    const counts = world.servers.map(({ slot }) => world.open.open(slot));
    expect(counts[0]).toBeLessThanOrEqual(110);
    expect(counts[1]).toBeLessThanOrEqual(110);
    expect(counts[2]).toBeGreaterThanOrEqual(80);
    expect(new Set(world.closings.map(({ slot }) => slot))).toEqual(new Set([0, 1]));
  });

  it("keeps up with budgets that are larger than the number of ticks", () => {
    const world = new World({
      workers: 1,
      servers: [{ weight: 1, connections: 6000 }, ...Array.from({ length: 9 }, () => ({ weight: 1, connections: 0 }))],
      config: { perMinute: 1, minPerMinute: 1, threshold: 0 },
      seed: 3,
      away: 0,
    });
    world.run(MINUTE);
    expect(world.closings.length).toBeGreaterThan(4500);
    expect(world.closings.length).toBeLessThanOrEqual(6000);
  });

  it("leaves servers alone that get no new work, and does not count what they have", () => {
    const board = Scoreboard.attach(Scoreboard.create({ servers: 3, workers: 1 }).handle, 0);
    const movables = new Movables();
    const servers = [0, 1, 2].map((slot) => ({ slot, weight: 1, scale: 1 }));
    const moved: number[] = [];
    for (const [slot, count] of [500, 20, 20].entries())
      for (let i = 0; i < count; i++) {
        board.webSockets.joined(slot);
        movables.add(slot, { moveAway: () => void moved.push(slot) });
      }
    const rebalancer = new Rebalancer({ perMinute: 1, minPerMinute: 1000, threshold: 0 }, servers, false, {
      scoreboard: board,
      movables,
    });
    rebalancer.follow({ tiers: [{ set: { ready: servers.slice(1) }, share: 1 }] });
    for (let now = 0; now < 10_000; now += TICK) rebalancer.tick(1_000_000 + now);
    expect(moved).toEqual([]);
    rebalancer.follow({
      tiers: [
        { set: { ready: servers.slice(0, 2) }, share: 1 },
        { set: { ready: servers.slice(2) }, share: 0 },
      ],
    });
    for (let now = 0; now < 120_000; now += TICK) rebalancer.tick(2_000_000 + now);
    // A backup server gives back what it has; the others come to what is fair between them.
    expect([board.webSockets.open(2), moved.filter((slot) => slot === 1)]).toEqual([0, []]);
    expect(board.webSockets.open(0)).toBe(21);
  });
});
