import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rules } from "./outlier-rules.fixture.ts";
import { successOutliers } from "./outlier-statistics.ts";

const servers = (errors: readonly number[], requests = 200) => errors.map((count) => ({ requests, errors: count }));

describe("outliers by success rate", () => {
  it("finds the one that fails, and says by how much", () => {
    expect(successOutliers(servers([0, 1, 80, 0, 2, 1]), rules)).toEqual([
      { index: 2, rule: "successRate", reason: "success rate 60 %, the mean of the pool is 93 %" },
    ]);
  });

  it("compares only servers with enough requests, and only if there are enough of them", () => {
    expect(successOutliers(servers([0, 0, 80, 0], 200), rules)).toEqual([]);
    expect(successOutliers(servers([0, 0, 80, 0, 0, 0], 99), rules)).toEqual([]);
    expect(successOutliers([...servers([0, 0, 0, 0, 0]), { requests: 99, errors: 99 }], rules)).toEqual([]);
  });

  it("finds nobody where all fail alike, or one has a few errors more", () => {
    expect(successOutliers(servers([100, 100, 100, 100, 100]), rules)).toEqual([]);
    expect(successOutliers(servers([0, 0, 5, 0, 0, 0]), rules)).toEqual([]);
    expect(successOutliers(servers([0, 0, 0, 0, 0, 0]), rules)).toEqual([]);
  });

  it("can be turned off", () => {
    expect(successOutliers(servers([0, 0, 200, 0, 0, 0]), { ...rules, successRateDeviation: 0 })).toEqual([]);
  });

  it("finds by the share of failures alone, when that is asked for", () => {
    const asked = { ...rules, failurePercentage: 0.5 };
    const samples = [
      { requests: 50, errors: 25 },
      { requests: 50, errors: 24 },
      { requests: 49, errors: 49 },
      { requests: 0, errors: 0 },
    ];
    expect(successOutliers(samples, asked)).toEqual([
      { index: 0, rule: "failurePercentage", reason: "50 % of the requests failed" },
    ]);
  });
});

describe("whatever the samples", () => {
  const count = fc.integer({ min: 0, max: 2000 });

  it("never finds the server with the fewest errors by comparing success rates", () => {
    const samples = fc.array(fc.record({ requests: count, share: fc.double({ min: 0, max: 1, noNaN: true }) }), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(samples, (given) => {
        const list = given.map(({ requests, share }) => ({ requests, errors: Math.floor(requests * share) }));
        const compared = list.filter(({ requests }) => requests >= rules.successRateRequests);
        const best = Math.min(...compared.map(({ requests, errors }) => errors / requests));
        for (const { index } of successOutliers(list, rules)) {
          expect(list[index]!.errors / list[index]!.requests).toBeGreaterThan(best);
        }
      }),
    );
  });
});
