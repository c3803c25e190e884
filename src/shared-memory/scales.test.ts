import { describe, expect, it } from "vitest";
import { HealthFlag } from "./health-flags.ts";
import { Scoreboard } from "./scoreboard.ts";
import { poolScales } from "./scales.ts";

const slowStart = { window: 10_000, aggression: 1, minimumShare: 0.1 };

function board(readySince: readonly number[]): Scoreboard {
  const scoreboard = Scoreboard.create({ servers: readySince.length, workers: 1 });
  readySince.forEach((since, slot) => scoreboard.reset(slot, since));
  return scoreboard;
}

describe("poolScales", () => {
  it("lets a server that came back rise, and holds nobody back where all are new", () => {
    const scoreboard = board([1, 95_000, 1]);
    expect(poolScales(scoreboard, [0, 1, 2], slowStart, 100_000)).toEqual({
      scales: Float64Array.of(1, 0.5, 1),
      rising: true,
    });
    expect([...poolScales(board([99_000, 99_000]), [0, 1], slowStart, 100_000).scales]).toEqual([1, 1]);
    expect(poolScales(scoreboard, [0, 1, 2], slowStart, 200_000).rising).toBe(false);
  });

  it("counts what checks say as well, and leaves out of the comparison who takes no work", () => {
    const scoreboard = board([1, 95_000, 1]);
    scoreboard.setWeightScale(1, 0.5);
    expect([...poolScales(scoreboard, [0, 1, 2], slowStart, 100_000).scales]).toEqual([1, 0.25, 1]);
    for (const slot of [0, 2]) scoreboard.health.set(slot, HealthFlag.ejected, 100_000);
    expect([...poolScales(scoreboard, [0, 1, 2], slowStart, 100_000).scales]).toEqual([1, 0.5, 1]);
  });

  it("never leaves a server nothing", () => {
    const scoreboard = board([1]);
    scoreboard.setWeightScale(0, 0);
    expect(poolScales(scoreboard, [0], { ...slowStart, window: 0 }, 100).scales[0]).toBeGreaterThan(0);
  });
});
