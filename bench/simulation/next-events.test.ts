import fc from "fast-check";
import { expect, it } from "vitest";
import { NextEvents } from "./next-events.ts";

it("always knows the earliest of all sources", () => {
  const change = fc.tuple(fc.nat(12), fc.oneof(fc.nat(50), fc.constant(Infinity)));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
      const events = new NextEvents(13);
      const times = Array.from({ length: 13 }, () => Infinity);
      for (const [source, time] of changes) {
        events.set(source, time);
        times[source] = time;
        expect(events.time).toBe(Math.min(...times));
        if (events.time < Infinity) expect(times[events.source]).toBe(events.time);
      }
    }),
  );
});
