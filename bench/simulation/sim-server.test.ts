import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SimServer } from "./sim-server.ts";

const model = { cores: 2, speed: 1, weight: 1, places: 1000 };

/** Lets the server work until it is empty; the ends by request. */
function finish(server: SimServer, from: number): Map<number, number> {
  const ends = new Map<number, number>();
  let now = from;
  while (server.inFlight > 0) {
    now = server.nextEnd(now);
    ends.set(server.takeFirst(now), now);
  }
  return ends;
}

describe("SimServer", () => {
  it("works on as many requests as it has cores without slowing down", () => {
    const server = new SimServer(model);
    server.add(1, 100, 0);
    server.add(2, 50, 10);
    expect([...finish(server, 10)]).toEqual([
      [2, 60],
      [1, 100],
    ]);
  });

  it("shares its cores when there are more", () => {
    const server = new SimServer(model);
    for (const job of [1, 2, 3, 4]) server.add(job, 100, 0);
    // Each gets half of a core; the two that are left from 100 ms on have one each again.
    server.add(5, 10, 100);
    const ends = finish(server, 100);
    expect(ends.get(5)).toBeCloseTo(100 + 10 * 2.5, 6);
    expect(ends.get(1)).toBeCloseTo(100 + 25 + (50 - 10) * 2, 6);
  });

  it("goes on with the work that is left when its speed changes", () => {
    const server = new SimServer({ ...model, speed: 2 });
    server.add(1, 100, 0);
    server.setSpeed(0.5, 25);
    expect(server.nextEnd(25)).toBeCloseTo(125, 6);
    server.setSpeed(1, 75);
    expect(server.nextEnd(75)).toBeCloseTo(100, 6);
  });

  it("does all the work that it is given, in the order of the ends", () => {
    const request = fc.tuple(fc.integer({ min: 1, max: 1000 }), fc.nat(200));
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 100 }), (requests) => {
        const server = new SimServer({ ...model, cores: 1 });
        let work = 0;
        for (const [job, [size]] of requests.entries()) {
          server.add(job, size, 0);
          work += size;
        }
        const ends = finish(server, 0);
        expect(ends.size).toBe(requests.length);
        // One core that is never idle: the last request ends when all the work is done.
        expect(Math.max(...ends.values())).toBeCloseTo(work, 4);
        const sizes = [...ends.keys()].map((job) => requests[job]![0]);
        expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
      }),
    );
  });

  it("reports the share of its cores that is in use", () => {
    const server = new SimServer(model);
    expect(server.utilisation(5000)).toBe(0);
    server.add(1, 1e6, 5000);
    expect(server.utilisation(60_000)).toBeCloseTo(0.5, 3);
    server.add(2, 1e6, 60_000);
    expect(server.utilisation(120_000)).toBeCloseTo(1, 3);
  });

  it("gives up its requests when it dies", () => {
    const server = new SimServer(model);
    for (let job = 0; job < 200; job++) server.add(job, 10, 0);
    expect(server.takeAll(5).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, job) => job));
    expect(server.nextEnd(5)).toBe(Infinity);
  });
});
