import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planTiers, type TierConfig, type TierPlan, type TierServer } from "./tiers.ts";

const defaults: TierConfig = { panicThreshold: 0.5, overprovisioning: 1.4, failOpen: false, zone: undefined };

/** up: ready; ill: only an opinion speaks against it; gone: cannot be reached. */
type State = "up" | "ill" | "gone";
interface Spec {
  state?: State;
  priority?: number;
  weight?: number;
  zone?: string;
  backup?: boolean;
}
type TestServer = TierServer & { readonly state: State };

const make = (specs: readonly Spec[]): TestServer[] =>
  specs.map((spec, slot) => ({
    id: `s${slot}`,
    slot,
    weight: 1,
    scale: 1,
    priority: 0,
    maxConnections: 0,
    backup: false,
    state: "up",
    ...spec,
  }));

const view = {
  isReady: (server: TestServer) => server.state === "up",
  mayBeTried: (server: TestServer) => server.state !== "gone",
};

const plan = (specs: readonly Spec[], config: Partial<TierConfig> = {}) =>
  planTiers(7, make(specs), view, { ...defaults, ...config });
const times = (count: number, spec: Spec): Spec[] => Array.from({ length: count }, () => spec);
/** Key → share in %, and slots of those that get work. */
const shares = ({ tiers }: TierPlan) =>
  Object.fromEntries(tiers.map(({ key, share }) => [key, Math.round(share * 1000) / 10]));
const ready = ({ tiers }: TierPlan) =>
  Object.fromEntries(tiers.map(({ key, set }) => [key, set.ready.map(({ slot }) => slot)]));

/** What a priority gets over all of its zones. */
const shareOf = ({ tiers }: TierPlan, priority: number) =>
  tiers.reduce((sum, { key, share }) => (Number.parseInt(key, 10) === priority ? sum + share : sum), 0);

describe("planTiers: priorities", () => {
  it("gives the most preferred one all while 1/1.4 of its weight is ready", () => {
    const result = plan([...times(8, {}), ...times(2, { state: "ill" }), ...times(3, { priority: 1 })]);
    expect(shares(result)).toEqual({ "0": 100, "1": 0 });
    expect(ready(result)["0"]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(result).toMatchObject({ panic: false, ready: 11, total: 13 });
    expect(result.tiers[0]!.set).toMatchObject({ version: 7, all: { length: 10 } });
  });

  it("spills what a level cannot take over to the next ones", () => {
    expect(shares(plan([{}, { state: "gone" }, { priority: 3 }, { priority: 5 }]))).toEqual({
      "0": 70,
      "3": 30,
      "5": 0,
    });
  });

  it("divides by the sum when all levels together are not available enough", () => {
    const specs = [
      ...times(1, {}),
      ...times(3, { state: "gone" }),
      { priority: 1 },
      ...times(6, { priority: 1, state: "gone" as const }),
    ];
    expect(shares(plan(specs))).toEqual({ "0": 63.6, "1": 36.4 });
  });

  it("counts weights, not servers", () => {
    const specs: Spec[] = [{ weight: 9 }, ...times(3, { state: "gone" as const }), { priority: 1 }];
    expect(shares(plan(specs))).toEqual({ "0": 100, "1": 0 });
    expect(shares(plan([{ weight: 0 }, { priority: 1 }]))).toEqual({ "1": 100, "0": 0 });
  });

  it("lists a level without a share after those with one", () => {
    const result = plan([{ state: "gone" }, { priority: 1 }, { priority: 2 }]);
    expect(result.tiers.map((tier) => tier.key)).toEqual(["1", "0", "2"]);
  });
});

describe("planTiers: zones", () => {
  const a = { zone: "a" };
  const b = { zone: "b" };

  it("keeps requests in the own zone while it can take them", () => {
    expect(shares(plan([a, a, b, {}], { zone: "a" }))).toEqual({ "0/own": 100, "0/other": 0 });
    expect(shares(plan([a, { ...a, state: "ill" }, b, {}], { zone: "a" }))).toEqual({ "0/own": 70, "0/other": 30 });
    expect(shares(plan([{ ...a, state: "ill" }, b, b], { zone: "a" }))).toEqual({ "0/other": 100, "0/own": 0 });
  });

  it("keeps all in the own zone when no other has a ready server", () => {
    const specs: Spec[] = [a, { ...a, state: "gone" }, { ...a, state: "gone" }, { ...b, state: "gone" }];
    expect(shares(plan(specs, { zone: "a" }))).toEqual({ "0/own": 100, "0/other": 0 });
  });

  it("does not divide a level that has no server in the own zone", () => {
    expect(shares(plan([b, b, { ...a, priority: 1 }], { zone: "a" }))).toEqual({ "0": 100, "1/own": 0, "1/other": 0 });
    expect(shares(plan([a, b]))).toEqual({ "0": 100 });
  });

  it("divides what a level gets, not what the pool gets", () => {
    const specs: Spec[] = [a, { ...b, state: "gone" }, { ...a, priority: 1 }, { ...b, priority: 1 }];
    const result = shares(plan(specs, { zone: "a" }));
    expect(result).toEqual({ "0/own": 70, "1/own": 30, "0/other": 0, "1/other": 0 });
  });
});

describe("planTiers: backup servers", () => {
  it("get work only while no other server is ready", () => {
    const backup = { backup: true };
    expect(shares(plan([{}, ...times(9, { state: "gone" }), { priority: 1, state: "gone" }, backup]))).toEqual({
      "0": 100,
      "1": 0,
      "backup/0": 0,
    });
    const result = plan([{ state: "ill" }, { priority: 1, state: "ill" }, backup]);
    expect(shares(result)).toEqual({ "backup/0": 100, "0": 0, "1": 0 });
    expect(ready(result)).toEqual({ "backup/0": [2], "0": [], "1": [] });
    expect(result).toMatchObject({ panic: false, ready: 1, total: 3 });
  });

  it("have priorities of their own", () => {
    const result = plan([
      { state: "gone" },
      { backup: true },
      { backup: true, state: "gone" },
      { backup: true, priority: 1 },
    ]);
    expect(shares(result)).toEqual({ "backup/0": 70, "backup/1": 30, "0": 0 });
  });
});

describe("planTiers: panic", () => {
  it("lets those in that only an opinion speaks against, below the threshold", () => {
    const result = plan([{}, { state: "ill" }, { state: "ill" }, { state: "gone" }]);
    expect(ready(result)).toEqual({ "0": [0, 1, 2] });
    expect(result).toMatchObject({ panic: true, ready: 1, total: 4 });
  });

  it("does not begin at the threshold itself, nor where it would let nobody in", () => {
    expect(plan([{}, { state: "ill" }]).panic).toBe(false);
    const alone = plan([{}, { state: "gone" }, { state: "gone" }]);
    expect(ready(alone)).toEqual({ "0": [0] });
    expect(alone.panic).toBe(false);
  });

  it("does not begin while other levels make up for it, or when it is off", () => {
    expect(plan([{}, ...times(2, { state: "ill" }), { priority: 1 }]).panic).toBe(false);
    expect(plan([{}, ...times(9, { state: "ill" })], { panicThreshold: 0 }).panic).toBe(false);
  });

  it("leaves requests with the level that has ready servers", () => {
    const result = plan([...times(3, { state: "ill" }), { priority: 1 }, ...times(3, { priority: 1, state: "ill" })]);
    expect(shares(result)).toEqual({ "1": 100, "0": 0 });
    expect(ready(result)).toEqual({ "1": [3, 4, 5, 6], "0": [0, 1, 2] });
  });
});

describe("planTiers: nobody ready", () => {
  const dead: Spec[] = [
    { state: "ill" },
    { state: "gone" },
    { state: "ill", priority: 1 },
    { state: "ill", backup: true },
  ];

  it("is an empty plan", () => {
    expect(plan(dead)).toEqual({ tiers: [], panic: false, ready: 0, total: 4 });
    expect(plan([])).toEqual({ tiers: [], panic: false, ready: 0, total: 0 });
    expect(plan([{ weight: 0 }], { failOpen: true }).tiers).toEqual([]);
  });

  it("tries those that may be tried when the pool fails open", () => {
    const result = plan(dead, { failOpen: true });
    expect(shares(result)).toEqual({ "0": 70, "1": 30, "backup/0": 0 });
    expect(ready(result)).toEqual({ "0": [0], "1": [2], "backup/0": [3] });
    expect(result).toMatchObject({ panic: true, ready: 0 });
    expect(plan([{ state: "gone" }], { failOpen: true }).tiers).toEqual([]);
  });
});

describe("planTiers: properties", () => {
  const spec = fc.record({
    state: fc.constantFrom<State>("up", "up", "ill", "gone"),
    priority: fc.constantFrom(0, 0, 1, 2),
    weight: fc.constantFrom(0, 1, 1, 2.5, 10),
    zone: fc.constantFrom("a", "b"),
    backup: fc.constantFrom(false, false, false, true),
  });
  const specs = fc.array(spec, { maxLength: 12 });
  const config = fc.record({
    panicThreshold: fc.constantFrom(0, 0.3, 0.5, 1),
    overprovisioning: fc.constantFrom(1, 1.4, 3),
    failOpen: fc.boolean(),
    zone: fc.constantFrom(undefined, "a", "c"),
  });

  it("has shares that add up to 1, or no tiers, and every server in one tier", () => {
    fc.assert(
      fc.property(specs, config, (specs, config) => {
        const { tiers } = plan(specs, config);
        if (tiers.length === 0) return;
        expect(tiers.reduce((sum, tier) => sum + tier.share, 0)).toBeCloseTo(1, 9);
        expect(new Set(tiers.map((tier) => tier.key)).size).toBe(tiers.length);
        const slots = tiers.flatMap(({ set }) => set.all.map(({ slot }) => slot));
        expect(slots.toSorted((a, b) => a - b)).toEqual(specs.map((_, slot) => slot));
        for (const { share, set } of tiers) {
          expect(share).toBeGreaterThanOrEqual(0);
          if (share > 0) expect(set.ready.length).toBeGreaterThan(0);
        }
      }),
    );
  });

  it("gives work to nobody who is not ready without panic, and to nobody who is gone ever", () => {
    fc.assert(
      fc.property(specs, config, (specs, config) => {
        const { tiers, panic } = plan(specs, config);
        for (const { set } of tiers) {
          for (const { state, weight } of set.ready as TestServer[]) {
            expect(weight).toBeGreaterThan(0);
            expect(panic ? state !== "gone" : state === "up").toBe(true);
          }
          expect(set.ready).toEqual(set.all.filter((server) => set.ready.includes(server)));
        }
      }),
    );
  });

  it("gives every ready server work through some tier, backups too", () => {
    fc.assert(
      fc.property(specs, config, (specs, config) => {
        const usable = plan(specs, config).tiers.flatMap(({ set }) => set.ready.map(({ slot }) => slot));
        specs.forEach(({ state, weight }, slot) => {
          if (state === "up" && weight > 0) expect(usable).toContain(slot);
        });
      }),
    );
  });

  it("never lowers a level's share when one more of its servers is ready, nor raises another's", () => {
    const primary = specs.map((list) => list.map((spec) => ({ ...spec, backup: false })));
    fc.assert(
      fc.property(primary, fc.nat(), config, (specs, pick, config) => {
        const down = specs.map((_, slot) => slot).filter((slot) => specs[slot]!.state !== "up");
        if (down.length === 0 || specs.every((spec) => spec.state !== "up" || spec.weight === 0)) return;
        const slot = down[pick % down.length]!;
        const before = plan(specs, config);
        const after = plan(specs.with(slot, { ...specs[slot]!, state: "up" }), config);
        for (const priority of [0, 1, 2]) {
          const rise = shareOf(after, priority) - shareOf(before, priority);
          if (priority === specs[slot]!.priority) expect(rise).toBeGreaterThanOrEqual(-1e-9);
          else expect(rise).toBeLessThanOrEqual(1e-9);
        }
      }),
      { numRuns: 300 },
    );
  });
});
