import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { latencyLimit, latencyOutliers, newStanding, type LatencySample } from "./latency-comparison.ts";
import { rules } from "./outlier-rules.fixture.ts";
import type { Outlier } from "./outlier-statistics.ts";

const sample = (mean: number, answers = 25, slow = 0): LatencySample => ({ answers, total: mean * answers, slow });
const slow = (mean: number, answers = 25) => sample(mean, answers, answers);

/** What each of several comparisons in a row finds. */
function compare(rounds: readonly (readonly LatencySample[])[], given = rules): Outlier[][] {
  const standings = rounds[0]!.map(newStanding);
  return rounds.map((samples) => latencyOutliers(standings, samples, given));
}

const times = <Item>(count: number, item: Item): Item[] => Array.from({ length: count }, () => item);

function limit(...means: number[]): number {
  return latencyLimit(
    means.map((mean) => ({ ...newStanding(), mean })),
    rules,
  );
}

describe("outliers by latency", () => {
  it("are servers that are slow three times in a row; the reason says by how much", () => {
    expect(compare(times(4, [sample(5), sample(6), slow(60)]))).toEqual([
      [],
      [],
      ...times(2, [
        { index: 2, rule: "latency", reason: "answers after 60 ms on average, the median of the pool is 6 ms" },
      ]),
    ]);
  });

  it("are not servers that stood still for a moment", () => {
    const well = [sample(5), sample(6), sample(5)];
    const pause = [sample(5), sample(6), slow(300, 60)];
    expect(compare([well, pause, pause, well, pause, pause, well]).flat()).toEqual([]);
  });

  it("ask for the factor and for the difference", () => {
    expect(limit(1, 1, 1)).toBe(21);
    expect(limit(10, 10, 10)).toBe(50);
    expect(limit(10)).toBeNaN();
    expect(compare(times(9, [sample(1), sample(1), slow(21)])).flat()).toEqual([]);
    expect(compare(times(9, [sample(10), sample(10), slow(50)])).flat()).toEqual([]);
  });

  it("measure one of two servers by the faster one, and one alone by nothing", () => {
    expect(compare(times(3, [slow(60), sample(5)]))[2]!.map(({ index }) => index)).toEqual([0]);
    expect(compare(times(9, [slow(60), sample(5, 0)])).flat()).toEqual([]);
  });

  it("are found with few answers per interval too, after more of them", () => {
    const rounds = compare(times(20, [sample(5, 3), sample(5, 3), slow(60, 1)]));
    expect(rounds.findIndex((found) => found.length > 0)).toBe(14);
  });

  it("are not those with a few slow answers, however slow they are", () => {
    expect(compare(times(50, [sample(5), sample(5), sample(300, 25, 2)])).flat()).toEqual([]);
  });

  it("are nobody where slow answers are common everywhere", () => {
    const common = sample(5, 100, 40);
    expect(compare(times(5, [...times(5, common), sample(60, 100, 45)])).flat()).toEqual([]);
  });

  it("are not measured by what servers did long ago", () => {
    const long = compare([...times(2, [sample(5), slow(60)]), ...times(60, [sample(5, 0), slow(60)])]);
    expect(long[2]!.length).toBe(1);
    expect(long.at(-1)).toEqual([]);
  });

  it("can be turned off", () => {
    expect(compare(times(9, [sample(5), sample(5), slow(500)]), { ...rules, latencyFactor: 0 }).flat()).toEqual([]);
  });

  it("are never more than half of the servers", () => {
    const some = fc.record({
      answers: fc.integer({ min: 0, max: 500 }),
      mean: fc.integer({ min: 1, max: 5000 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(some, { minLength: 1, maxLength: 20 }), (given) => {
        const list = given.map(({ answers, mean, share }) => sample(mean, answers, Math.floor(answers * share)));
        for (const found of compare(times(4, list))) {
          expect(found.length).toBeLessThanOrEqual(list.filter(({ answers }) => answers > 0).length / 2);
        }
      }),
    );
  });
});
