import { describe, expect, it } from "vitest";
import { QueueModel } from "./queue-model.fixture.ts";
import { algorithms } from "./registry.ts";

const size = 5;
const minute = 60_000;

/** Requests of the first server relative to an equal share. */
const share = (counts: readonly number[]) =>
  ((counts[0] as number) * size) / counts.reduce((sum, count) => sum + count, 0);

/** Most that a server gets of an equal share while it is ten times as slow as the others, after a minute of it. */
const whileSlow: Readonly<Record<string, number>> = {
  dynamic_weighted_round_robin: 0.8,
  least_connections: 0.5,
  weighted_least_connections: 0.5,
  least_response_time: 0.1,
  peak_ewma: 0.1,
  power_of_two_choices: 0.5,
  prequal: 0.1,
  resource_based: 0.25,
};

/**
 * Five servers with eight places each and 10 ms per request, at 200 requests per second: a server can bear its equal
 * share also while its requests take 100 ms, so what it gets is the algorithm's decision. The first one, as
 * `first_available` would never use another at this load.
 */
describe.each(algorithms.filter(({ usesHashKey }) => !usesHashKey))("$name", (algorithm) => {
  it.each([1, 2])("shifts work away from a slow server, but not for ever (seed %i)", (seed) => {
    const model = new QueueModel(algorithm, {
      work: Array.from({ length: size }, () => 10),
      rate: 200,
      slots: 8,
      seed,
    });
    model.run(minute / 2);

    model.work[0] = 100;
    model.run(minute);
    let slow = 0;
    for (let passed = 1; passed < 5; passed++) {
      const counts = model.run(minute);
      expect(counts[0], `in minute ${passed} of being slow`).toBeGreaterThan(0);
      slow += share(counts) / 4;
    }
    expect(slow).toBeLessThanOrEqual(whileSlow[algorithm.name] ?? Infinity);

    model.work[0] = 10;
    model.run(minute);
    expect(share(model.run(minute / 2)), "a minute after it became fast again").toBeGreaterThanOrEqual(0.5);
  });
});

it("checks every algorithm that it says something about", () => {
  expect(algorithms.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(whileSlow)));
});
